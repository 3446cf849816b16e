"""The recipe of the `stats` adapter: `python -m diffstyle.training stats RUN`, RUN being that of the starter CLIP.

It learns from pictures of that run: from each one's embedding, and from those of its captions over the bridge, to what
the preview network measures of it. A caption says less than a picture; what it leaves open comes out as the mean of all
it is true of.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.adapters.stats import COLOURS, StatsAdapter
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.training.clip.finish import CAPTIONS, EMBEDDINGS, EXAMPLES
from diffstyle.training.clip.pool import Pool
from diffstyle.training.schedule import cosine_rate


@dataclass(frozen=True, slots=True)
class StatsRecipe:
    seed: int = 0
    steps: int = 6000
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    text_share: float = 0.5
    noise: float = 0.02  # added to embeddings, per component
    colour_weight: float = 6.0
    known: int = 512
    nearness: float = 0.7


def train_stats(run: Path, encoder: StyleEncoder, recipe: StatsRecipe) -> StatsAdapter:
    """Train on `run/pool.npz` and `run/embeddings.safetensors`; measured statistics are kept beside them."""
    engine = AdaINEngine.load(device=torch.device("cpu"))
    tensors = read_safetensors(run / EMBEDDINGS)[1]
    targets = _measured(run, engine)
    pictures, texts = tensors["pictures"], encoder.bridge(tensors["texts"]).reshape(len(targets), CAPTIONS, -1)
    generator = torch.Generator().manual_seed(recipe.seed)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        adapter = StatsAdapter(pictures.shape[1], targets.shape[1], space=encoder.space, statistics=engine.space)
    adapter.mean.copy_(targets.mean(0))
    adapter.std.copy_(targets.std(0).clamp_min(1e-4))
    weight = torch.ones(targets.shape[1])
    weight[:COLOURS] = recipe.colour_weight
    optimiser = torch.optim.AdamW(adapter.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    for step in range(recipe.steps):
        chosen = torch.randint(len(targets), (recipe.batch,), generator=generator)
        said = texts[chosen, torch.randint(CAPTIONS, (recipe.batch,), generator=generator)]
        from_text = torch.rand(recipe.batch, 1, generator=generator) < recipe.text_share
        x = torch.where(from_text, said, pictures[chosen])
        x = F.normalize(x + recipe.noise * torch.randn(x.shape, generator=generator), dim=1)
        error = (adapter(x) - targets[chosen]) / adapter.std
        loss = (F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none") * weight).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        for group in optimiser.param_groups:
            group["lr"] = cosine_rate(step, step / recipe.steps, first=recipe.learning_rate)
        optimiser.step()
        if step % 500 == 0:
            print(f"step {step}  loss {float(loss.detach()):.4f}", flush=True)
    kept = np.linspace(0, len(targets) - 1, min(recipe.known, len(targets))).round().astype(int)
    adapter.keys, adapter.known, adapter.nearness = pictures[kept], targets[kept], recipe.nearness
    return adapter.eval().requires_grad_(False)


@torch.no_grad()
def _measured(run: Path, engine: AdaINEngine) -> Tensor:
    """(n, s) statistics of the pictures whose embeddings are known."""
    path = run / f"statistics-{engine.space}.safetensors"
    if not path.exists():
        rows: list[Tensor] = []
        for pixels in Pool.load(run / "pool.npz").spread(EXAMPLES).pixels:
            style = engine.measure(Style.from_image(Picture.from_array(pixels)))
            rows.append(style.references[0].statistics[engine.space])
        write_safetensors(path, {"statistics": torch.stack(rows)})
    return read_safetensors(path)[1]["statistics"]

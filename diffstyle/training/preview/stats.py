"""The statistics adapter: `python -m diffstyle.training stats RUN`, RUN being that of the starter's CLIP.

It learns from pictures of that run: from the embedding of each one, and from the embeddings of its captions over the
bridge, to what the preview network measures of it. A caption says less than a picture; what it leaves open comes out as
the mean of all pictures that it is true of.
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
from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit


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
    known: int = 512  # pictures whose statistics the adapter keeps
    nearness: float = 0.7


class StatsTrainer(Trainer[tuple[Tensor, Tensor]]):
    """Trains `adapter` on embeddings (b, d) and the statistics (b, s) that belong to them."""

    def __init__(self, adapter: StatsAdapter, recipe: StatsRecipe) -> None:
        self.adapter, self.recipe = adapter, recipe
        self.weight = torch.ones(len(adapter.std))
        self.weight[:COLOURS] = recipe.colour_weight
        rate, decay = recipe.learning_rate, recipe.weight_decay
        optimizer = torch.optim.AdamW(adapter.parameters(), lr=rate, weight_decay=decay)
        super().__init__(dict(adapter.named_parameters()), optimizer, budget=Budget(steps=recipe.steps), ema=0)

    def rate(self) -> float:
        return cosine_rate(self.step, self.progress, first=self.recipe.learning_rate)

    def losses(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        embeddings, statistics = batch
        error = (self.adapter(embeddings) - statistics) / self.adapter.std
        return {"error": (F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none") * self.weight).mean()}


def train_stats(run: Path, encoder: StyleEncoder, recipe: StatsRecipe) -> StatsAdapter:
    """Train on `run/pool.npz` and `run/embeddings.safetensors`; measured statistics are kept beside them."""
    engine = AdaINEngine.load(device=torch.device("cpu"))
    tensors = read_safetensors(run / EMBEDDINGS)[1]
    targets = _measured(run, engine)
    pictures, texts = tensors["pictures"], encoder.bridge(tensors["texts"]).reshape(len(targets), CAPTIONS, -1)
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        adapter = StatsAdapter(pictures.shape[1], targets.shape[1], space=encoder.space, statistics=engine.space)
    adapter.mean.copy_(targets.mean(0))
    adapter.std.copy_(targets.std(0).clamp_min(1e-4))
    generator = torch.Generator().manual_seed(recipe.seed)

    def make(_: int, __: float) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(len(targets), (recipe.batch,), generator=generator)
        captions = texts[chosen, torch.randint(CAPTIONS, (recipe.batch,), generator=generator)]
        from_text = torch.rand(recipe.batch, 1, generator=generator) < recipe.text_share
        x = torch.where(from_text, captions, pictures[chosen])
        return F.normalize(x + recipe.noise * torch.randn(x.shape, generator=generator), dim=1), targets[chosen]

    fit(StatsTrainer(adapter, recipe), make, Run(workers=None), name="stats")
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

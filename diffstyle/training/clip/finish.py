"""What is made once the starter CLIP is trained: its bridge, and the embeddings that the stats adapter learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle import bridge as bridges
from diffstyle.bridge import Bridge
from diffstyle.captions import FactIndex, Facts, choose, in_full, say
from diffstyle.encoder import StyleEncoder
from diffstyle.picture import Picture
from diffstyle.tensors import read_safetensors, write_safetensors
from diffstyle.training.clip.pool import Pool
from diffstyle.training.clip.train import noise_words, nonsense

EXAMPLES, CAPTIONS = 4000, 3  # pictures of the pool, and captions of each
KNOWN = 384
TEMPERATURE = 0.05
EMBEDDINGS = "embeddings.safetensors"
NOISE_PERCENTILE, TRUE_PERCENTILE = 90, 5


def finish(folder: Path, pool: Pool, out: Path, *, seed: int = 0) -> Bridge:
    """Write `folder/bridge.safetensors`, and of EXAMPLES pictures `out/embeddings.safetensors` with `pictures` (n, d)
    and the captions before the bridge, `texts` (n * CAPTIONS, d).
    """
    encoder, pool = StyleEncoder.load(folder), pool.spread(EXAMPLES)
    path = out / EMBEDDINGS
    if path.exists():
        tensors = read_safetensors(path)[1]
    else:
        pictures = encoder.pictures([Picture.from_array(p) for p in pool.pixels])
        tensors = {"pictures": pictures, "texts": encoder.raw_texts(captions(pool, seed))}
        write_safetensors(path, tensors)
    vectors, texts = tensors["pictures"], tensors["texts"]
    fitted = refined(bridges.fit(texts, vectors.repeat_interleave(CAPTIONS, 0), ridge=1e-3), texts, vectors, pool, seed)
    known = centres(vectors, pool, seed)
    rng = np.random.default_rng(seed)
    words = noise_words(encoder.tokenizer)
    noise = [nonsense(words, int(rng.integers(1, 6)), rng) for _ in range(1000)]
    unknown = (encoder.raw_texts(noise) @ known.T).amax(1).numpy()
    true = (texts[:: max(1, len(texts) // 2000)] @ known.T).amax(1).numpy()
    low, high = float(np.percentile(unknown, NOISE_PERCENTILE)), float(np.percentile(true, TRUE_PERCENTILE))
    print(f"nearest known style: noise {np.percentile(unknown, [50, 90, 99]).round(3)}", end=", ")
    print(f"captions {np.percentile(true, [1, 5, 50]).round(3)}")
    bridge = replace(fitted, known=known, bounds=(low, max(high, low + 0.02)))
    bridge.save(folder / "bridge.safetensors", dtype=torch.float16)
    return bridge


def refined(bridge: Bridge, texts: Tensor, vectors: Tensor, pool: Pool, seed: int, steps: int = 600) -> Bridge:
    """The bridge trained on: captions are to come near their pictures, and nearer their style than any other."""
    ids, of = np.unique(pool.style, return_inverse=True)
    style = torch.from_numpy(of)
    middles = F.normalize(torch.stack([vectors[style == n].mean(0) for n in range(len(ids))]), dim=1)
    weight, shift = bridge.weight.clone().requires_grad_(), bridge.shift.clone().requires_grad_()
    optimiser = torch.optim.Adam([weight, shift], lr=2e-3)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        chosen = torch.randint(len(texts), (512,), generator=generator)
        moved = Bridge(weight, bridge.centre, shift)(texts[chosen])
        own = chosen // CAPTIONS
        apart = F.cross_entropy(moved @ middles.T / TEMPERATURE, style[own])
        near = 1 - (moved * vectors[own]).sum(1).mean()
        optimiser.zero_grad(set_to_none=True)
        (apart + 4 * near).backward()
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * (1 - step / steps)
        optimiser.step()
    return replace(bridge, weight=weight.detach(), shift=shift.detach())


def captions(pool: Pool, seed: int) -> list[str]:
    """CAPTIONS captions of each picture, in the pool's order; the last of each says all there is to say."""
    index = FactIndex(pool.artists)
    rng = np.random.default_rng(seed)
    texts: list[str] = []
    for row in pool.known:
        facts = Facts(frozenset(index.facts[int(n)] for n in np.flatnonzero(row == 1)), frozenset())
        texts += [say(choose(facts, rng), rng) for _ in range(CAPTIONS - 1)]
        texts.append(say(in_full(facts, rng), rng))
    return texts


def centres(vectors: Tensor, pool: Pool, seed: int) -> Tensor:
    """(KNOWN, d): the mean pictures of that many styles, drawn at random."""
    style = torch.from_numpy(pool.style)
    chosen = np.random.default_rng(seed).permutation(np.unique(pool.style))[:KNOWN]
    return F.normalize(torch.stack([vectors[style == int(s)].mean(0) for s in chosen]), dim=1)

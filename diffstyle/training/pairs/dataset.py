"""The pairs as a diffusion model learns them: latents, what the ControlNet sees, and what the adapters read.

Each shard is read and encoded once; the results are kept beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.encoders.clip import StyleEncoder
from diffstyle.engines.diffusion.controlnet_hints import edges_and_tones
from diffstyle.formats.safetensors import read_safetensors, write_safetensors
from diffstyle.training.pairs.shards import from_png, read_shard


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Latents of photo and painting (c, h, w) float16, the photo's hints (3, 4h, 4w) uint8, the style's embedding (d,)
    and features (n, width) float16.
    """

    photo: Tensor
    painting: Tensor
    hints: Tensor
    embedding: Tensor
    features: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class PairBatch:
    """Crops of b pairs: latents (b, c, h, w), hints (b, 3, 4h, 4w), embeddings (b, d), features (b, n, width)."""

    photos: Tensor
    paintings: Tensor
    hints: Tensor
    embeddings: Tensor
    features: Tensor


def read_pairs(folder: Path, vae: Any, encoder: StyleEncoder) -> list[Pair]:
    """The pairs of every finished shard of `folder`. InputError if there is none."""
    shards = sorted(folder.glob("pairs-*.tar"))
    if not shards:
        raise InputError(f"{folder} holds no pairs-*.tar: make them with `python -m diffstyle.training pairs`.")
    return [pair for shard in shards for pair in _pairs(_encoded(shard, vae, encoder))]


def draw(pairs: list[Pair], *, side: int, count: int, rng: np.random.Generator) -> PairBatch:
    """Random crops of `side` latents, the same of photo and painting."""
    cut: list[tuple[Tensor, Tensor, Tensor]] = []
    chosen = [pairs[int(n)] for n in rng.integers(0, len(pairs), count)]
    for pair in chosen:
        h, w = int(pair.painting.shape[1]), int(pair.painting.shape[2])
        scale = int(pair.hints.shape[1]) // h
        y, x = int(rng.integers(0, h - side + 1)), int(rng.integers(0, w - side + 1))
        rows, columns = slice(y, y + side), slice(x, x + side)
        large = slice(scale * y, scale * (y + side)), slice(scale * x, scale * (x + side))
        cut.append((pair.photo[:, rows, columns], pair.painting[:, rows, columns], pair.hints[:, large[0], large[1]]))
    photos, paintings, hints = (torch.stack(parts).float() for parts in zip(*cut, strict=True))
    embeddings = torch.stack([p.embedding for p in chosen]).float()
    features = torch.stack([p.features for p in chosen]).float()
    return PairBatch(photos, paintings, hints / 255, embeddings, features)


def _pairs(state: dict[str, Tensor]) -> Iterator[Pair]:
    for key in sorted(k.removesuffix(".painting") for k in state if k.endswith(".painting")):
        names = ("photo", "painting", "hints", "embedding", "features")
        yield Pair(*(state[f"{key}.{name}"] for name in names))


@torch.no_grad()
def _encoded(shard: Path, vae: Any, encoder: StyleEncoder) -> dict[str, Tensor]:
    path = shard.with_suffix(".safetensors")
    if path.exists():
        return read_safetensors(path)[1]
    found: dict[str, Tensor] = {}
    for key, members in read_shard(shard):
        facts = json.loads(members["json"])
        if facts["space"] != encoder.space:
            raise InputError(f"{shard} was made with the encoder {facts['space']}: make it again.")
        photo, painting, style = (
            Picture.from_array(from_png(members[f"{name}.png"])) for name in ("photo", "painting", "style")
        )
        found |= {
            f"{key}.photo": _latents(vae, photo),
            f"{key}.painting": _latents(vae, painting),
            f"{key}.hints": (edges_and_tones(photo.pixels) * 255).round().to(torch.uint8),
            f"{key}.embedding": torch.tensor(facts["embedding"], dtype=torch.float16),
            f"{key}.features": encoder.features(style).half(),
        }
    write_safetensors(path, found)
    return found


def _latents(vae: Any, picture: Picture) -> Tensor:
    """(c, h, w) float16."""
    return vae.encoder(picture.pixels[None] * 2 - 1)[0].half()

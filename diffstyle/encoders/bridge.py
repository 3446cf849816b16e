"""The bridge from text to picture embeddings, across CLIP's modality gap (Liang et al. 2022)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.errors import InputError
from diffstyle.data.captions import CALLED, say
from diffstyle.formats.atomic import cache_folder
from diffstyle.formats.safetensors import read_safetensors, write_safetensors

if TYPE_CHECKING:
    from diffstyle.data.procedural import Pixels

PER_MEDIUM, SIDE = 4, 256
VERSION = 2  # of the pairs: raise it to invalidate cached bridges


@dataclass(frozen=True, slots=True)
class Bridge:
    """Maps text embeddings t to normalize(t + (t - centre) @ weight + shift): `weight` (d, d), `centre`, `shift` (d,).

    `known` (k, d) are embeddings of training pictures and `bounds` two cosines: confidence in a text is 0 if its cosine
    to the nearest of them is below the first, 1 above the second. A general encoder has none.
    """

    weight: Tensor
    centre: Tensor
    shift: Tensor
    known: Tensor | None = None
    bounds: tuple[float, float] = (0.0, 1.0)

    def __call__(self, texts: Tensor) -> Tensor:
        """Text embeddings (n, d) -> the predicted embeddings (n, d) of their pictures, of length 1."""
        return F.normalize(texts + (texts - self.centre) @ self.weight + self.shift, dim=-1)

    def confidence(self, text: Tensor) -> float:
        """How well the encoder knows a text, from 0 to 1, by its embedding (d,) before the bridge."""
        if self.known is None:
            return 1.0
        low, high = self.bounds
        return min(1.0, max(0.0, (float((self.known @ text).max()) - low) / (high - low)))

    @classmethod
    def load(cls, path: Path) -> Bridge:
        """Read a bridge file; InputError if it is none."""
        metadata, tensors = read_safetensors(path)
        try:
            bounds = (float(metadata.get("low", 0)), float(metadata.get("high", 1)))
            known = tensors["known"].float() if "known" in tensors else None
            width = len(tensors["shift"])
            if tensors["weight"].shape != (width, width) or tensors["centre"].shape != (width,):
                raise ValueError(tensors["weight"].shape)
            return cls(tensors["weight"].float(), tensors["centre"].float(), tensors["shift"].float(), known, bounds)
        except (KeyError, ValueError) as error:
            raise InputError(f"Cannot use {path}: it is not a bridge; delete it and it is made again.") from error

    def save(self, path: Path, *, dtype: torch.dtype = torch.float32) -> None:
        """Write a bridge file, its tensors in `dtype`."""
        tensors = {"weight": self.weight, "centre": self.centre, "shift": self.shift}
        tensors |= {} if self.known is None else {"known": self.known}
        metadata = {"low": str(self.bounds[0]), "high": str(self.bounds[1])}
        write_safetensors(path, {k: v.to(dtype) for k, v in tensors.items()}, metadata)


def fit(texts: Tensor, pictures: Tensor, *, ridge: float = 0.03) -> Bridge:
    """The bridge fitted by ridge regression to n captions (n, d) and their pictures (n, d), unit vectors.

    The difference between the two is regressed. The penalty is `ridge` times the variance of the captions, so that few
    pairs give little more than the mean shift between text and picture embeddings.
    """
    t, p = texts.double(), pictures.double()
    centre, shift = t.mean(0), (p - t).mean(0)
    x, y = t - centre, p - t - shift
    gram = x.T @ x
    penalty = ridge * gram.diagonal().sum()
    regular = gram + penalty * torch.eye(len(gram), dtype=gram.dtype) / len(gram) ** 0.5
    weight = cast("Tensor", torch.linalg.solve(regular, x.T @ y))
    return Bridge(weight.float().contiguous(), centre.float(), shift.float())


def pairs(seed: int = 0) -> list[tuple[Pixels, str]]:
    """Procedural pictures (h, w, 3) with their captions, determined by `seed`."""
    from diffstyle.data.procedural import MEDIA, render
    from diffstyle.data.procedural.scenes import scene

    rng = np.random.default_rng(seed)
    made: list[tuple[Pixels, str]] = []
    for medium in MEDIA:
        for _ in range(PER_MEDIUM):
            rendering = render(scene(rng, SIDE), medium, rng, longest=SIDE)
            colours = " and ".join(rendering.words[-2:]) if len(rendering.words) > 2 else ""
            caption = say([("medium", CALLED.get(medium, medium))], rng)
            made.append((rendering.pixels, f"{caption}, {colours}" if colours else caption))
    return made


def cached(space: str) -> Path:
    """The file in the user's cache folder for the bridge fitted for `space`."""
    name = hashlib.sha256(f"{space} {VERSION}".encode()).hexdigest()[:16]
    return cache_folder() / "bridges" / f"{name}.safetensors"

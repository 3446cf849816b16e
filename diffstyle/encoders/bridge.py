"""The bridge from text to picture embeddings: CLIP keeps the two apart (Liang et al. 2022, the modality gap)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.errors import InputError
from diffstyle.data.captions import CALLED, say
from diffstyle.data.procedural import MEDIA, Pixels, render
from diffstyle.data.procedural.scenes import scene
from diffstyle.formats.atomic import cache_folder
from diffstyle.formats.safetensors import read_safetensors, write_safetensors

PER_MEDIUM, SIDE = 4, 256
VERSION = 2  # of the pairs: another one makes kept bridges stale


@dataclass(frozen=True, slots=True)
class Bridge:
    """unit(t + (t - centre) @ weight + shift): `weight` (d, d), `centre` and `shift` (d,).

    `known` (k, d) are pictures of what the encoder was trained on, and `bounds` the cosine of a text to the nearest of
    them below which it means nothing and above which it is sure; an encoder of all the world has none.
    """

    weight: Tensor
    centre: Tensor
    shift: Tensor
    known: Tensor | None = None
    bounds: tuple[float, float] = (0.0, 1.0)

    def __call__(self, texts: Tensor) -> Tensor:
        """(n, d) text embeddings to where their pictures are, unit length."""
        return F.normalize(texts + (texts - self.centre) @ self.weight + self.shift, dim=-1)

    def confidence(self, text: Tensor) -> float:
        """From 0 to 1, of a text's embedding (d,) before the bridge."""
        if self.known is None:
            return 1.0
        low, high = self.bounds
        return min(1.0, max(0.0, (float((self.known @ text).max()) - low) / (high - low)))

    @classmethod
    def load(cls, path: Path) -> Bridge:
        metadata, tensors = read_safetensors(path)
        try:
            bounds = (float(metadata.get("low", 0)), float(metadata.get("high", 1)))
            known = tensors["known"].float() if "known" in tensors else None
            width = len(tensors["shift"])
            if tensors["weight"].shape != (width, width) or tensors["centre"].shape != (width,):
                raise ValueError(tensors["weight"].shape)
            return cls(tensors["weight"].float(), tensors["centre"].float(), tensors["shift"].float(), known, bounds)
        except (KeyError, ValueError) as error:
            raise InputError(f"Cannot use {path}: it is not a bridge, delete it to have it made again.") from error

    def save(self, path: Path, *, dtype: torch.dtype = torch.float32) -> None:
        tensors = {"weight": self.weight, "centre": self.centre, "shift": self.shift}
        tensors |= {} if self.known is None else {"known": self.known}
        metadata = {"low": str(self.bounds[0]), "high": str(self.bounds[1])}
        write_safetensors(path, {k: v.to(dtype) for k, v in tensors.items()}, metadata)


def fit(texts: Tensor, pictures: Tensor, *, ridge: float = 0.03) -> Bridge:
    """The bridge of least squares from (n, d) captions to their (n, d) pictures, unit vectors.

    What is regressed is the way from one to the other, with a penalty of `ridge` times the captions' variance, so that
    few pairs give little more than the shift between the two cones.
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
    """Procedural pictures (h, w, 3) with captions that are true of them, the same every time."""
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
    """The file that keeps the bridge fitted for `space`, in the user's cache folder."""
    name = hashlib.sha256(f"{space} {VERSION}".encode()).hexdigest()[:16]
    return cache_folder() / "bridges" / f"{name}.safetensors"

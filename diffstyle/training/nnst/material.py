"""Crops for the painter's decoder: clean photos and art of the train split, and pictures in procedural media."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from diffstyle.data.procedural import MEDIA, render
from diffstyle.training.data import CropBox, Pixels, read_shards, to_batch

RENDERED_EACH = 9  # pictures of every procedural medium
RENDERED_LONGEST = 416
ZOOM = (0.8, 4.0)  # side of the window over the side of the crop: from close up to the whole picture
PAINTED_CONTENT = 0.2  # share of contents that are paintings
PROCEDURAL = 0.15  # share of styles
OWN = 0.34  # share of rows that decode their own features


@dataclass(frozen=True, slots=True)
class Pool:
    """Pictures in one memory-mapped file: pixels end to end and the shape (h, w) of each."""

    data: npt.NDArray[np.uint8]
    shapes: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, n: int) -> Pixels:
        h, w = (int(v) for v in self.shapes[n])
        start = int(self.starts[n])
        return self.data[start : start + h * w * 3].reshape(h, w, 3)

    @classmethod
    def open(cls, path: Path) -> Pool:
        shapes = np.load(path.with_suffix(".shapes.npy"))
        sizes = shapes.prod(1) * 3
        return cls(np.load(path, mmap_mode="r"), shapes, np.concatenate(([0], sizes.cumsum()[:-1])))

    @staticmethod
    def write(path: Path, pictures: list[Pixels]) -> None:
        np.save(path.with_suffix(".shapes.npy"), np.array([p.shape[:2] for p in pictures]))
        np.save(path, np.concatenate([p.reshape(-1) for p in pictures]))


@dataclass(frozen=True, slots=True)
class Material:
    photos: Pool
    art: Pool
    rendered: Pool

    @classmethod
    def prepare(cls, data: Path, cache: Path) -> Material:
        """Decode the shards of `data` and render the procedural pictures once; later from `cache`."""
        cache.mkdir(parents=True, exist_ok=True)
        for kind in ("photo", "art"):
            if not (path := cache / f"{kind}.npy").exists():
                Pool.write(path, [s.pixels for s in read_shards(data, f"{kind}-clean-*", "train")])
        if not (path := cache / "rendered.npy").exists():
            photos, rng = Pool.open(cache / "photo.npy"), np.random.default_rng(0)
            Pool.write(
                path,
                [
                    render(photos[int(rng.integers(len(photos)))], medium, rng, longest=RENDERED_LONGEST).pixels
                    for medium in MEDIA
                    for _ in range(RENDERED_EACH)
                ],
            )
        return cls(*(Pool.open(cache / f"{kind}.npy") for kind in ("photo", "art", "rendered")))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Contents and styles (b, 3, h, w) in [0, 1]; where `own` (b,) is set, both are parts of one painting and the
    content's own features are decoded.
    """

    contents: Tensor
    styles: Tensor
    own: Tensor


def draw(material: Material, *, height: int, width: int, count: int, rng: np.random.Generator) -> Batch:
    """One batch of random crops."""
    contents: list[Pixels] = []
    styles: list[Pixels] = []
    own: list[bool] = []
    for _ in range(count):
        pool = material.rendered if rng.random() < PROCEDURAL else material.art
        style = pool[int(rng.integers(len(pool)))]
        itself = bool(rng.random() < OWN)
        if itself:
            content = style if rng.random() < 0.85 else material.photos[int(rng.integers(len(material.photos)))]
            style = content
        else:
            source = material.art if rng.random() < PAINTED_CONTENT else material.photos
            content = source[int(rng.integers(len(source)))]
        contents.append(_crop(content, height, width, rng))
        styles.append(_crop(style, height, width, rng))
        own.append(itself)
    return Batch(to_batch(contents), to_batch(styles), torch.tensor(own))


def _crop(pixels: Pixels, height: int, width: int, rng: np.random.Generator) -> Pixels:
    """A random window of the largest square crop, cut to (height, width)."""
    side = max(height, width)
    crop = CropBox.random(pixels, side, zoom=ZOOM, rng=rng).cut(pixels, side)
    y, x = int(rng.integers(side - height + 1)), int(rng.integers(side - width + 1))
    return np.ascontiguousarray(crop[y : y + height, x : x + width])

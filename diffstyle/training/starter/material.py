"""Batches for the starter's UNet, each a function of seed, step and progress."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from diffstyle.engines.diffusion.controlnet_hints import soft_edge
from diffstyle.training.data import Pixels, Window, random_crop, to_bytes, to_unit
from diffstyle.training.starter.looks import Looks

CONTENT_ZOOM = (1.0, 4.0)  # up to the whole photo
STYLE_ZOOM = (0.6, 1.6)
PAIR_ZOOM = (0.7, 1.6)


@dataclass(frozen=True, slots=True)
class Pictures:
    """n pictures to be denoised (n, 3, size, size) uint8, the edges they are to keep (n, 1, size, size) and embeddings
    of their styles.
    """

    pictures: Tensor
    edges: Tensor
    embeddings: Tensor


@dataclass(frozen=True, slots=True)
class Repaints:
    """b photos to be repainted in n styles, b / n photos in each.

    `goals` is what a photo is to become where that is known (`paired`), else the photo. `embeddings` and `statistics`
    (n, d), (n, s) are of the styles' pictures or, for some, of words that are true of them.
    """

    photos: Tensor  # (b, 3, size, size) uint8
    goals: Tensor  # (b, 3, size, size) uint8
    paired: Tensor  # (b,) bool
    edges: Tensor  # (b, 1, size, size)
    styles: Tensor  # (n, 3, size, size) uint8
    embeddings: Tensor
    statistics: Tensor


def edges_of(batch: Tensor) -> Tensor:
    """The conditioning that the ControlNet is shown, of each picture by itself: one channel (b, 1, size, size) of three
    that are alike.
    """
    return torch.stack([soft_edge(p.contiguous())[:1] for p in batch])


def pictures(looks: Looks, *, size: int, count: int, rng: np.random.Generator) -> Pictures:
    """Art with its own edges, and renderings with those of the photo they were made of; embeddings of another picture
    in the same style, or of words, where there are any.
    """
    wanted: list[Pixels] = []
    shown: list[Pixels] = []
    told: list[Tensor] = []
    for _ in range(count):
        art = rng.random() < 0.5
        n = int(rng.choice(looks.art if art else looks.rendered))
        pixels = looks.pool.pixels[n]
        window = Window.random(pixels, size, zoom=PAIR_ZOOM, rng=rng)
        wanted.append(window.cut(pixels, size))
        shown.append(wanted[-1] if art else window.cut(looks.photo_of(n), size))
        if rng.random() < 0.3:
            told.append(looks.told_embeddings[n, int(rng.integers(looks.told_embeddings.shape[1]))])
        else:
            told.append(looks.embeddings[int(rng.choice(looks.siblings(n)))])
    return Pictures(to_bytes(wanted), edges_of(to_unit(to_bytes(shown))), torch.stack(told))


def repaints(
    looks: Looks, *, size: int, styles: int, each: int, told_share: float, rng: np.random.Generator
) -> Repaints:
    """`styles` styles, about half of them procedural, on `each` photos; most procedural ones with the goal known."""
    photos: list[Pixels] = []
    goals: list[Pixels] = []
    paired: list[bool] = []
    shown: list[Pixels] = []
    embeddings: list[Tensor] = []
    statistics: list[Tensor] = []
    for _ in range(styles):
        rendered = rng.random() < 0.45
        n = int(rng.choice(looks.rendered if rendered else looks.art))
        alike = looks.siblings(n)
        shown.append(random_crop(looks.pool.pixels[n], size, zoom=STYLE_ZOOM, rng=rng))
        if rng.random() < told_share:
            k = int(rng.integers(looks.told_embeddings.shape[1]))
            embeddings.append(looks.told_embeddings[n, k])
            statistics.append(looks.told_statistics[n, k])
        else:
            embeddings.append(looks.embeddings[n])
            statistics.append(looks.statistics[n])
        for _ in range(each):
            known = rendered and rng.random() < 0.7
            paired.append(known)
            if known:
                m = int(rng.choice(alike))
                window = Window.random(looks.pool.pixels[m], size, zoom=PAIR_ZOOM, rng=rng)
                photos.append(window.cut(looks.photo_of(m), size))
                goals.append(window.cut(looks.pool.pixels[m], size))
                continue
            if rng.random() < 0.1:  # people repaint paintings too
                content = looks.pool.pixels[int(rng.choice(looks.art))]
            else:
                content = looks.photos[int(rng.integers(len(looks.photos)))].pixels
            photos.append(random_crop(content, size, zoom=CONTENT_ZOOM, rng=rng))
            goals.append(photos[-1])
    batch = to_bytes(photos)
    return Repaints(
        batch,
        to_bytes(goals),
        torch.tensor(paired),
        edges_of(to_unit(batch)),
        to_bytes(shown),
        torch.stack(embeddings),
        torch.stack(statistics),
    )

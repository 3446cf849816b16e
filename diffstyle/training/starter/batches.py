"""Batches for the starter's UNet; the generator decides all that is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from diffstyle.training.data import CropBox, Pixels, random_crop, to_bytes, to_unit
from diffstyle.training.diffusion import edge_maps
from diffstyle.training.starter.style_set import StyleSet

CONTENT_ZOOM = (1.0, 4.0)  # up to the whole photo
STYLE_ZOOM = (0.6, 1.6)
PAIR_ZOOM = (0.7, 1.6)


@dataclass(frozen=True, slots=True)
class DenoisingBatch:
    """Pictures to be denoised (n, 3, size, size) uint8, the edge maps of their contents (n, 1, size, size) and the
    embeddings of their styles (n, d).
    """

    pictures: Tensor
    edges: Tensor
    embeddings: Tensor


@dataclass(frozen=True, slots=True)
class RepaintingBatch:
    """b photos to be repainted in n styles, b / n photos in each.

    `goals` holds the repainted photo where it is known (`paired`), else the photo. `embeddings` (n, d) and `statistics`
    (n, s) are those of the styles' pictures or, for some, of captions that are true of them.
    """

    photos: Tensor  # (b, 3, size, size) uint8
    goals: Tensor  # (b, 3, size, size) uint8
    paired: Tensor  # (b,) bool
    edges: Tensor  # (b, 1, size, size)
    styles: Tensor  # (n, 3, size, size) uint8
    embeddings: Tensor
    statistics: Tensor


def denoising_batch(styles: StyleSet, *, size: int, count: int, rng: np.random.Generator) -> DenoisingBatch:
    """Art with its own edges, and renderings with the edges of their photo.

    The embedding is that of a picture in the same style or, for three in ten, of a caption.
    """
    wanted: list[Pixels] = []
    shown: list[Pixels] = []
    embeddings: list[Tensor] = []
    for _ in range(count):
        art = rng.random() < 0.5
        n = int(rng.choice(styles.art if art else styles.rendered))
        pixels = styles.pool.pixels[n]
        box = CropBox.random(pixels, size, zoom=PAIR_ZOOM, rng=rng)
        wanted.append(box.cut(pixels, size))
        shown.append(wanted[-1] if art else box.cut(styles.photo_of(n), size))
        if rng.random() < 0.3:
            embeddings.append(styles.caption_embeddings[n, int(rng.integers(styles.caption_embeddings.shape[1]))])
        else:
            embeddings.append(styles.embeddings[int(rng.choice(styles.siblings(n)))])
    return DenoisingBatch(to_bytes(wanted), edge_maps(to_unit(to_bytes(shown))), torch.stack(embeddings))


def repainting_batch(
    styles: StyleSet, *, size: int, count: int, each: int, caption_share: float, rng: np.random.Generator
) -> RepaintingBatch:
    """`count` styles, about half of them procedural, on `each` photos; most procedural ones with the goal known."""
    photos: list[Pixels] = []
    goals: list[Pixels] = []
    paired: list[bool] = []
    shown: list[Pixels] = []
    embeddings: list[Tensor] = []
    statistics: list[Tensor] = []
    for _ in range(count):
        rendered = rng.random() < 0.45
        n = int(rng.choice(styles.rendered if rendered else styles.art))
        siblings = styles.siblings(n)
        shown.append(random_crop(styles.pool.pixels[n], size, zoom=STYLE_ZOOM, rng=rng))
        if rng.random() < caption_share:
            k = int(rng.integers(styles.caption_embeddings.shape[1]))
            embeddings.append(styles.caption_embeddings[n, k])
            statistics.append(styles.caption_statistics[n, k])
        else:
            embeddings.append(styles.embeddings[n])
            statistics.append(styles.statistics[n])
        for _ in range(each):
            known = rendered and rng.random() < 0.7
            paired.append(known)
            if known:
                m = int(rng.choice(siblings))
                box = CropBox.random(styles.pool.pixels[m], size, zoom=PAIR_ZOOM, rng=rng)
                photos.append(box.cut(styles.photo_of(m), size))
                goals.append(box.cut(styles.pool.pixels[m], size))
                continue
            if rng.random() < 0.1:  # people repaint paintings too
                content = styles.pool.pixels[int(rng.choice(styles.art))]
            else:
                content = styles.photos[int(rng.integers(len(styles.photos)))].pixels
            photos.append(random_crop(content, size, zoom=CONTENT_ZOOM, rng=rng))
            goals.append(photos[-1])
    batch = to_bytes(photos)
    return RepaintingBatch(
        batch,
        to_bytes(goals),
        torch.tensor(paired),
        edge_maps(to_unit(batch)),
        to_bytes(shown),
        torch.stack(embeddings),
        torch.stack(statistics),
    )

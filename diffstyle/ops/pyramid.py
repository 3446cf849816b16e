"""Pictures at several sizes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F


def resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """(b, c, *size), bicubic and clamped; the same tensor if it has the size."""
    if tuple(pictures.shape[2:]) == size:
        return pictures
    return F.interpolate(pictures, size, mode="bicubic", antialias=True).clamp(0, 1)


def collapsed(bands: Sequence[Tensor]) -> Tensor:
    """The picture of a Laplacian pyramid of bands (1, c, h / 2ⁿ, w / 2ⁿ), fine to coarse, c = 1 for grey."""
    picture = bands[-1]
    for finer in bands[-2::-1]:
        picture = finer + F.interpolate(picture, finer.shape[2:], mode="bilinear", align_corners=False)
    return picture

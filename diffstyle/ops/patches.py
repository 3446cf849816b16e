"""Sliced Wasserstein distances of patches and features: sets of vectors compared along random directions.

Rabin et al. 2011 compare two sets by the sorted projections of both on random directions. On the patches of pictures
this compares textures without a network (Elnekave and Weiss 2022); on the maps of a network it compares all of their
distribution (Heitz et al. 2021).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.ops.luma import luma


def sorted_projections(samples: Tensor, directions: Tensor) -> Tensor:
    """(b, d, n) vectors on `directions` (d, k) -> (b, k, n), ascending."""
    return _sorted(directions.mT @ samples)


def sorted_patches(pictures: Tensor, kernels: Tensor, *, stride: int) -> Tensor:
    """Patches of (b, c, h, w) on `kernels` (k, c, s, s) -> (b, k, patches), ascending."""
    return _sorted(F.conv2d(pictures.float(), kernels, stride=stride).flatten(2))


def _sorted(rows: Tensor) -> Tensor:
    if rows.requires_grad or rows.device.type != "cpu":
        return rows.sort(-1).values
    return torch.from_numpy(np.sort(rows.numpy(), -1))  # several times faster, as it keeps no indices


def wasserstein(a: Tensor, b: Tensor) -> Tensor:
    """(b,): mean distance of two equally large sets, given as sorted projections (b, k, n)."""
    return (a - b).abs().mean((1, 2))


def spread(projections: Tensor) -> Tensor:
    """(b,): mean distance of projections (b, k, n) to their own means."""
    return (projections - projections.mean(2, keepdim=True)).abs().mean((1, 2)).clamp_min(1e-3)


def patch_distance(out: Tensor, target: Tensor, kernels: Tensor, *, stride: int) -> Tensor:
    """(b,): distance of the patches of two pictures (b, c, h, w) along `kernels` (k, c, s, s), over the spread of the
    target's: 1 is as far as a flat picture of the right colour.

    Raises ValueError if the pictures differ in size.
    """
    a, b = (sorted_patches(x, kernels, stride=stride) for x in _of_one_size(out, target))
    return wasserstein(a, b) / spread(b)


def relative_texture_distance(
    out: Tensor,
    photo: Tensor,
    style: Tensor,
    generator: torch.Generator,
    *,
    scales: int,
    count: int = 48,
    side: int = 7,
) -> Tensor:
    """(b,): distance of the texture of `out` to that of `style`, mean over `scales` halvings, all (b, 3, h, w).

    Texture is patches without their mean, of luminance whose mean and deviation are matched to the style's, so that
    contrast and colour do not count. The unit is the distance of the photo, or the spread of the style's patches where
    that is larger: the photo itself scores 1 at most. `count` kernels of `side` pixels are drawn anew for each scale.

    Raises ValueError if the pictures differ in size.
    """
    out, photo, style = _of_one_size(out, photo, style)
    o, p, s = (luma(x.float()) for x in (out, photo, style))
    mean, deviation = s.mean((2, 3), keepdim=True), s.std((2, 3), keepdim=True)
    o, p = ((x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True).clamp_min(0.01) for x in (o, p))
    o, p = o * deviation + mean, p * deviation + mean
    found: list[Tensor] = []
    for level in range(scales):
        kernels = torch.randn(count, 1, side, side, generator=generator)
        kernels = F.normalize((kernels - kernels.mean((2, 3), keepdim=True)).flatten(1)).view_as(kernels)
        kernels, stride = kernels.to(out.device), scales - level
        a, b = sorted_patches(o, kernels, stride=stride), sorted_patches(s, kernels, stride=stride)
        with torch.no_grad():
            unit = torch.maximum(wasserstein(sorted_patches(p, kernels, stride=stride), b), spread(b))
        found.append(wasserstein(a, b) / unit)
        o, p, s = (F.avg_pool2d(x, 2) for x in (o, p, s))
    return torch.stack(found).mean(0)


def _of_one_size(*pictures: Tensor) -> tuple[Tensor, ...]:
    if len({p.shape for p in pictures}) > 1:
        raise ValueError(f"pictures of one size are needed, not {', '.join(str(tuple(p.shape)) for p in pictures)}")
    return pictures

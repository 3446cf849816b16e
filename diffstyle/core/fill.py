"""Colours for pixels that are not seen, taken from the seen ones around them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def filled(pixels: Tensor, weight: Tensor) -> Tensor:
    """`pixels` (3, H, W) composited on a smooth continuation of themselves, by `weight` (1, H, W) in [0, 1].

    The push-pull algorithm (Gortler et al., The Lumigraph, 1996): weighted means on ever coarser grids, and from the
    coarsest on the holes of each grid are filled from the one below it. Where the weight is 0, `pixels` do not matter.
    """
    whole = torch.cat([pixels * weight, weight])[None]  # (1, 4, h, w): colours by weight, weight
    levels = [whole]
    while max(levels[-1].shape[2:]) > 1:
        height, width = levels[-1].shape[2:]
        padded = F.pad(levels[-1], (0, width % 2, 0, height % 2))
        levels.append(F.avg_pool2d(padded, 2))
    under = _colour(levels.pop())
    while levels:
        level = levels.pop()
        under = F.interpolate(under, size=level.shape[2:], mode="bilinear", align_corners=False)
        share = level[:, 3:].clamp(0, 1) if not levels else (level[:, 3:] * 4).clamp(0, 1)
        under = torch.lerp(under, _colour(level), share)
    return under[0].clamp_(0, 1)


def _colour(level: Tensor) -> Tensor:
    return level[:, :3] / level[:, 3:].clamp_min(1e-6)

"""Edge-aware smoothing: the guided filter (He, Sun & Tang 2013), in its fast form (He & Sun 2015)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.ops.luma import box


def guided_filter(values: Tensor, guide: Tensor, *, radius: int, epsilon: float = 2e-3, shrink: int = 4) -> Tensor:
    """`values` (b, c, h, w) smoothed in windows of 2·radius + 1 pixels, stopping at the edges of `guide` (b, 1, h, w).

    Solved at 1 / `shrink` of the size; `epsilon` is the variance of the guide below which it counts as flat.
    """
    size = tuple(max(1, side // shrink) for side in guide.shape[2:])
    v, g = (F.interpolate(x, size, mode="bilinear", antialias=True) for x in (values, guide))
    side = 2 * max(1, round(radius / shrink)) + 1

    def mean(x: Tensor) -> Tensor:
        return box(x, side)

    mean_g, mean_v = mean(g), mean(v)
    slope = (mean(g * v) - mean_g * mean_v) / (mean(g * g) - mean_g.square() + epsilon)
    offset = mean_v - slope * mean_g
    slope, offset = (
        F.interpolate(mean(x), guide.shape[2:], mode="bilinear", align_corners=False) for x in (slope, offset)
    )
    return torch.addcmul(offset, slope, guide)

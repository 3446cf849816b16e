"""Luma of pictures: its weights, its local contrast, its edges."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

LUMA = (0.299, 0.587, 0.114)  # BT.601
WINDOW = 15  # pixels, the side of the windows in which contrast is measured
MIDDLE = 0.6  # of what is added to fine detail, added to that of 3 to 7 pixels
HALF_CONTRAST = 0.015  # deviation of luma in a window at which `local_contrast` is 1/2


def luma(pixels: Tensor) -> Tensor:
    """sRGB (..., 3, h, w) -> luma (..., 1, h, w), weighted as in BT.601."""
    weights = torch.tensor(LUMA, dtype=pixels.dtype, device=pixels.device).view(3, 1, 1)
    return (pixels * weights).sum(-3, keepdim=True)


def box(x: Tensor, side: int) -> Tensor:
    """(b, c, h, w) -> means over windows of `side` pixels (odd), cut off at the borders."""
    rows = F.avg_pool2d(x, (side, 1), 1, (side // 2, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, side), 1, (0, side // 2), count_include_pad=False)


def sharpened(pixels: Tensor, share: float) -> Tensor:
    """sRGB (b, 3, h, w) with the luma of its fine and middle detail amplified by `share`, clamped (unsharp masking)."""
    y = luma(pixels)
    fine, middle = box(y, 3), box(y, 7)
    return (pixels + share * (y - fine + MIDDLE * (fine - middle))).clamp(0, 1)


def local_contrast(lightness: Tensor) -> Tensor:
    """(..., 1, h, w) -> the same shape, from 0 in flat areas towards 1 where the lightness varies much."""
    deviation = box((lightness - box(lightness, WINDOW)).square(), WINDOW).sqrt()
    return box(deviation / (deviation + HALF_CONTRAST), WINDOW)

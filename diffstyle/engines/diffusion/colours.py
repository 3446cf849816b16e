"""The colours of one picture under the lightness of another, and its calm where it is calm."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.conditioning.strokes import LUMA

WINDOW = 15  # pixels a side
STIRRED = 0.015  # deviation of luma in a window at which half of a change is let through


def in_colours_of(coloured: Tensor, light: Tensor) -> Tensor:
    """(..., 3, h, w): chroma of `coloured`, luma of `light`, not clamped; the less stirs in `coloured`, the more of its
    own luma, or skies would have grain.
    """
    change = _luma(light - coloured)
    return coloured + _stir(_luma(coloured)) * change


def _luma(pixels: Tensor) -> Tensor:
    weights = torch.tensor(LUMA, dtype=pixels.dtype, device=pixels.device).view(3, 1, 1)
    return (pixels * weights).sum(-3, keepdim=True)


def _stir(luma: Tensor) -> Tensor:
    """From 0, where a picture (..., 1, h, w) is flat, towards 1, where there is much to see."""
    deviation = _mean((luma - _mean(luma)).square()).sqrt()
    return _mean(deviation / (deviation + STIRRED))


def _mean(plane: Tensor) -> Tensor:
    """Of the window around each pixel."""
    return F.avg_pool2d(F.pad(plane, (WINDOW // 2,) * 4, mode="replicate"), WINDOW, stride=1)

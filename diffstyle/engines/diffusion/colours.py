"""The colours of one picture under the lightness of another, and its calm where it is calm."""

from __future__ import annotations

from torch import Tensor

from diffstyle.light import box, luma

WINDOW = 15  # pixels a side
STIRRED = 0.015  # deviation of luma in a window at which half of a change is let through


def in_colours_of(coloured: Tensor, light: Tensor) -> Tensor:
    """(..., 3, h, w): chroma of `coloured`, luma of `light`, not clamped; the less stirs in `coloured`, the more of its
    own luma, or skies would have grain.
    """
    return coloured + _stir(luma(coloured)) * luma(light - coloured)


def _stir(plane: Tensor) -> Tensor:
    """From 0, where a picture (..., 1, h, w) is flat, towards 1, where there is much to see."""
    deviation = box((plane - box(plane, WINDOW)).square(), WINDOW).sqrt()
    return box(deviation / (deviation + STIRRED), WINDOW)

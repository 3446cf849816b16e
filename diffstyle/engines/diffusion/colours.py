"""The colours of one picture under the lightness of another, and its calm where it is calm."""

from __future__ import annotations

from torch import Tensor

from diffstyle.ops.luma import luma, stir


def in_colours_of(coloured: Tensor, light: Tensor) -> Tensor:
    """(..., 3, h, w): chroma of `coloured`, luma of `light`, not clamped; the less stirs in `coloured`, the more of its
    own luma, or skies would have grain.
    """
    return coloured + stir(luma(coloured)) * luma(light - coloured)

"""The colours of one picture combined with the lightness of another."""

from __future__ import annotations

from torch import Tensor

from diffstyle.ops.luma import local_contrast, luma


def in_colours_of(coloured: Tensor, light: Tensor) -> Tensor:
    """(..., 3, h, w): chroma of `coloured` and luma of `light`, not clamped.

    Where `coloured` has little local contrast its own luma is kept, so that skies do not become grainy.
    """
    return coloured + local_contrast(luma(coloured)) * luma(light - coloured)

"""The colours of one picture under the lightness of another."""

from __future__ import annotations

import torch
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)


def in_colours_of(coloured: Tensor, light: Tensor) -> Tensor:
    """(..., 3, h, w): chroma of `coloured` and luma of `light` (BT.601), not clamped."""
    weights = torch.tensor(LUMA, dtype=light.dtype, device=light.device).view(3, 1, 1)
    return coloured + ((light - coloured) * weights).sum(-3, keepdim=True)

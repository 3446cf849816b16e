"""Textures in the manner of a style: noise that the painter paints, coarse to fine, until only marks are left."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.nnst.bank import Painter, StyleBanks
from diffstyle.engines.nnst.paint import PaintOptions, paint
from diffstyle.engines.nnst.targets import Region, WeightedStyle
from diffstyle.ops.colour_transfer import match_colours

BLOTCH = 16  # pixels a side of the noise to begin with
SCALES = (4, 2, 1)  # the longest side divided by these is what each pass paints


@torch.inference_mode()
def synthesise(painter: Painter, banks: StyleBanks, *, height: int, width: int, seed: int = 0) -> Tensor:
    """A texture (3, height, width) in [0, 1] from the marks and in the colours of one style, the same for equal seeds.

    Longest sides of 128 to 512 pixels suit the scales that banks are read at.
    """
    noise = torch.rand(1, 3, height // BLOTCH + 2, width // BLOTCH + 2, generator=torch.Generator().manual_seed(seed))
    texture = F.interpolate(noise, (height, width), mode="bicubic", align_corners=False).clamp(0, 1)
    region = Region((WeightedStyle(banks),))
    for scale in SCALES:
        options = PaintOptions(structure=0.0, size=max(height, width) // scale)
        painted = paint(painter, texture[0], (region,), options)
        texture = match_colours(painted[None], banks.colours)
    return texture[0]

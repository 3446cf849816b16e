"""What a student learns from a batch: to paint what its teacher painted, with marks like the teacher's.

The places of marks cannot be foreseen from the photo, and a loss on pixels alone would blur them. So pixels are
compared after a blur, features by a deeper layer, and marks by their statistics: Gram matrices (Gatys et al. 2016) and
moments of the teacher's own painting of the same photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.encoders.features import FeatureNet
from diffstyle.ops.gram import gram
from diffstyle.ops.losses import compress, flat_variation, moment_loss, moments, relative_square
from diffstyle.ops.luma import box

MARKS = ("stem", "block1", "block2", "block3", "block4")
SHAPES = ("block2", "block4", "block6")
BLUR = 5  # pixels


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the terms."""

    pixels: float = 6.0
    sharp: float = 1.0
    features: float = 1.0
    marks: float = 2.0
    moments: float = 1.0
    variation: float = 0.3


def losses(net: FeatureNet, out: Tensor, target: Tensor, weights: Weights) -> dict[str, Tensor]:
    """The weighted terms of paintings `out` against the teacher's `target`, (b, 3, s, s) each."""
    with torch.no_grad():
        wanted = {name: maps.float() for name, maps in net(target).items()}
    found = {name: maps.float() for name, maps in net(out).items()}
    marks = torch.stack([_mark_loss(found[name], wanted[name]) for name in MARKS]).mean()
    spread = torch.stack([moment_loss(found[k], *moments(wanted[k])).mean() for k in MARKS]).mean()
    shapes = torch.stack([compress(relative_square(found[k], wanted[k])).mean() for k in SHAPES]).mean()
    return {
        "pixels": weights.pixels * F.l1_loss(box(out, BLUR), box(target, BLUR)),
        "sharp": weights.sharp * F.l1_loss(out, target),
        "features": weights.features * shapes,
        "marks": weights.marks * marks,
        "moments": weights.moments * spread,
        "variation": weights.variation * flat_variation(out, target).mean(),
    }


def _mark_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Gram matrices of features less the target's mean: positive maps' matrices hold little but their means."""
    shift = wanted.mean((2, 3), keepdim=True)
    return compress(relative_square(gram(found - shift), gram(wanted - shift))).mean()

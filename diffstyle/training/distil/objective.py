"""What a student learns from a batch: to paint what its teacher painted, with marks like the teacher's.

The places of marks cannot be foreseen from the photo, and a loss on pixels alone would blur them. So most of the loss
on pixels is taken at half the size after a blur, shapes are compared by features, and marks by their statistics: Gram
matrices (Gatys et al. 2016) of the teacher's own painting of the same photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.encoders.features import FeatureNet
from diffstyle.ops.gram import gram
from diffstyle.ops.losses import compress, relative_square, total_variation

MARKS = ("stem", "block1", "block2", "block3", "block4")
SHAPES = ("block2", "block4")
BLUR = 4  # pixels


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the terms."""

    pixels: float = 4.0
    sharp: float = 0.3
    features: float = 0.5
    marks: float = 4.0
    variation: float = 0.5


def losses(net: FeatureNet, out: Tensor, target: Tensor, weights: Weights) -> dict[str, Tensor]:
    """The weighted terms of paintings `out` against the teacher's `target`, (b, 3, s, s) each."""
    with torch.no_grad():
        wanted = net(target, only=MARKS)
    found = net(out, only=MARKS)
    marks = torch.stack([_mark_loss(found[name], wanted[name]) for name in MARKS]).mean()
    shapes = torch.stack([compress(relative_square(found[k], wanted[k]).float()).mean() for k in SHAPES]).mean()
    blurred, wanted_blur = (F.avg_pool2d(x, BLUR, 2) for x in (out, target))
    return {
        "pixels": weights.pixels * F.l1_loss(blurred, wanted_blur),
        "sharp": weights.sharp * F.l1_loss(out, target),
        "features": weights.features * shapes,
        "marks": weights.marks * marks,
        "variation": weights.variation * F.relu(total_variation(out) - total_variation(target)).mean(),
    }


def _mark_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Gram matrices of features less the target's mean: positive maps' matrices hold little but their means."""
    shift = wanted.mean((2, 3), keepdim=True)
    return compress(relative_square(gram(found - shift), gram(wanted - shift))).mean()

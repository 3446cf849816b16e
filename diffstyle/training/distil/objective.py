"""What a student learns from a batch: to paint what its teacher painted, with marks like the teacher's.

The places of marks cannot be foreseen from the photo, and a loss on pixels alone would blur them. So most of the loss
on pixels is taken at half the size after a blur, shapes are compared by features, and marks by their statistics: Gram
matrices (Gatys et al. 2016) of the teacher's own painting of the same photo. Two pictures of equal statistics may still
differ in every stroke, so each place of the student's painting must also look like some place of the teacher's, and the
other way round: the relaxed earth mover's distance of STROTSS (Kolkin et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.encoders.features import FeatureNet
from diffstyle.ops.gram import gram
from diffstyle.ops.losses import compress, relative_square, total_variation
from diffstyle.ops.relaxed_transport import cosine_distances, relaxed_distance

MARKS = ("stem", "block1", "block2", "block3", "block4")
SHAPES = ("block2", "block4")
BLUR = 4  # pixels
PLACES = 500  # of a painting, at which it is compared with the teacher's
EDGE = 0.05  # of a side, where no places are chosen: convolutions see padding there


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the terms."""

    pixels: float = 3.0
    sharp: float = 0.1
    features: float = 0.5
    marks: float = 12.0
    strokes: float = 4.0
    variation: float = 0.2


def places(rng: np.random.Generator) -> Tensor:
    """(2, PLACES, 2): random places in a student's painting and in the teacher's, in the units of grid_sample."""
    return torch.from_numpy(rng.uniform(2 * EDGE - 1, 1 - 2 * EDGE, (2, PLACES, 2)).astype(np.float32))


def losses(net: FeatureNet, out: Tensor, target: Tensor, weights: Weights, at: Tensor) -> dict[str, Tensor]:
    """The weighted terms of paintings `out` against the teacher's `target`, (b, 3, s, s) each; strokes are compared
    `at` these `places`.
    """
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
        "strokes": weights.strokes * _stroke_loss(found, wanted, at.to(out.device)),
        "variation": weights.variation * F.relu(total_variation(out) - total_variation(target)).mean(),
    }


def _mark_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Gram matrices of features less the target's mean: positive maps' matrices hold little but their means."""
    shift = wanted.mean((2, 3), keepdim=True)
    return compress(relative_square(gram(found - shift), gram(wanted - shift))).mean()


def _stroke_loss(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], at: Tensor) -> Tensor:
    """REMD of hypercolumns: the features of all layers at a place, each layer with the target's mean and deviation."""
    columns: tuple[list[Tensor], list[Tensor]] = ([], [])
    for name in MARKS:
        ours, theirs = (_sampled(maps[name], xy) for maps, xy in zip((found, wanted), at, strict=True))
        mean, scale = theirs.mean(1, keepdim=True), theirs.std((1, 2), keepdim=True) + 1e-3
        for column, values in zip(columns, (ours, theirs), strict=True):
            column.append((values - mean) / scale / values.shape[2] ** 0.5)  # layers weigh alike
    pairs = zip(*(torch.cat(column, 2) for column in columns), strict=True)
    with torch.autocast(at.device.type, enabled=False):  # which place is nearest takes all digits
        return torch.stack([relaxed_distance(cosine_distances(a, b)) for a, b in pairs]).mean()


def _sampled(maps: Tensor, xy: Tensor) -> Tensor:
    """(b, n, c): maps (b, c, h, w) at n places (n, 2), in float32."""
    with torch.autocast(maps.device.type, enabled=False):
        grid = xy[None, None].expand(len(maps), 1, -1, 2)
        return F.grid_sample(maps.float(), grid, padding_mode="border", align_corners=False)[:, :, 0].mT

"""Losses of the painter's decoder; all per picture, (b,)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.ops.luma import luma


def feature_loss(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Tensor:
    """Mean over layers of 1 − cosine + 0.5 x squared error over the target's mean square, place by place."""
    losses: list[Tensor] = []
    for name, target in wanted.items():
        x, y = found[name].float(), target.float()
        cosine = 1 - F.cosine_similarity(x, y, dim=1).mean((1, 2))
        square = (x - y).square().mean((1, 2, 3)) / y.square().mean((1, 2, 3)).clamp_min(1e-6)
        losses.append(cosine + 0.5 * square)
    return torch.stack(losses).mean(0)


def detail(pictures: Tensor) -> Tensor:
    """(b, 4, h/4, w/4): mean differences of luma across, down, of 2x2 checkers, and of neighbours two pixels apart.

    How much grain there is and which way it runs; matched with that of the chosen places, it keeps flats flat and
    strokes crisp.
    """
    y = F.pad(luma(pictures), (0, 2, 0, 2), mode="replicate")
    base = y[..., :-2, :-2]
    across, down = y[..., :-2, 1:-1] - base, y[..., 1:-1, :-2] - base
    checker = y[..., 1:-1, 1:-1] - y[..., :-2, 1:-1] - down
    wide = (y[..., :-2, 2:] - base).abs() + (y[..., 2:, :-2] - base).abs()
    bands = torch.cat((across.abs(), down.abs(), checker.abs(), wide), 1)
    return F.avg_pool2d(bands, 4)


def detail_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """L1 of windows of 3x3 cells, over the mean of the target plus a little."""
    a, b = (F.avg_pool2d(x, 3, 1, 1, count_include_pad=False) for x in (found, wanted))
    return ((a - b).abs() / (b + 0.02)).mean((1, 2, 3))


def tone_loss(pictures: Tensor, colours: Tensor) -> Tensor:
    """L1 of colours averaged over 8 pixels: those of the picture and of the chosen places (b, 3, h/4, w/4)."""
    return (F.avg_pool2d(pictures, 8) - F.avg_pool2d(colours, 2)).abs().mean((1, 2, 3))

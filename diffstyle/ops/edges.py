"""Edges of pictures, and how far two pictures have them in the same places."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
_SMALLEST = 1e-12  # squared gradient; keeps the square root differentiable in flat areas


def edge_strength(light: Tensor) -> Tensor:
    """(b, 1, h, w) lightness -> (b, 1, h, w): lengths of its gradients, blurred by a binomial filter of 5 pixels."""
    down, across = torch.gradient(light, dim=(2, 3))
    lengths = (down.square() + across.square() + _SMALLEST).sqrt()
    taps = torch.tensor(BINOMIAL, dtype=light.dtype, device=light.device)
    return F.conv2d(F.conv2d(lengths, taps.view(1, 1, 5, 1), padding=(2, 0)), taps.view(1, 1, 1, 5), padding=(0, 2))


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """(b,): Pearson correlation of each two maps of any shape (b, ...), in [-1, 1]; 0 where one is constant."""
    a, b = (x.flatten(1) - x.flatten(1).mean(1, keepdim=True) for x in (a, b))
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1)).clamp_min(1e-16).sqrt()


def edge_correlation(light: Tensor, reference: Tensor, *, halvings: Sequence[int] = (0, 1)) -> Tensor:
    """(b,): correlation of `edge_strength` of two lightness maps (b, 1, h, w), 1 at most; mean over the sizes that so
    many `halvings` leave.
    """
    found: list[Tensor] = []
    for n in halvings:
        a, b = (F.avg_pool2d(x, 2**n) if n else x for x in (light, reference))
        found.append(correlation(edge_strength(a), edge_strength(b)))
    return torch.stack(found).mean(0)

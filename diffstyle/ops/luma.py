"""The lightness of pictures, and where its edges are."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

LUMA = (0.299, 0.587, 0.114)  # BT.601
WINDOW = 15  # pixels a side
STIRRED = 0.015  # deviation of luma in a window that is half way from calm to stirred


def luma(pixels: Tensor) -> Tensor:
    """(..., 1, h, w) of (..., 3, h, w)."""
    weights = torch.tensor(LUMA, dtype=pixels.dtype, device=pixels.device).view(3, 1, 1)
    return (pixels * weights).sum(-3, keepdim=True)


def box(x: Tensor, side: int) -> Tensor:
    """Means of windows of `side` pixels (odd), at the borders of what is there."""
    rows = F.avg_pool2d(x, (side, 1), 1, (side // 2, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, side), 1, (0, side // 2), count_include_pad=False)


def stir(light: Tensor) -> Tensor:
    """From 0, where (..., 1, h, w) is flat, towards 1, where there is much to see."""
    deviation = box((light - box(light, WINDOW)).square(), WINDOW).sqrt()
    return box(deviation / (deviation + STIRRED), WINDOW)


def reach(light: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the most of (b, 1, h, w) near each pixel, in windows that give way to each other gradually."""
    return box(-_greatest(-light), WINDOW), box(_greatest(light), WINDOW)


def _greatest(light: Tensor) -> Tensor:
    rows = F.max_pool2d(light, (WINDOW, 1), 1, (WINDOW // 2, 0))
    return F.max_pool2d(rows, (1, WINDOW), 1, (0, WINDOW // 2))


def edges(light: Tensor) -> Tensor:
    """(b, 1, h - 1, w - 1): blurred lengths of gradients of (b, 1, h, w), with a gradient where it is flat too."""
    corner = light[..., 1:, 1:]
    across, down = corner - light[..., 1:, :-1], corner - light[..., :-1, 1:]
    return box((across.square() + down.square() + 1e-6).sqrt(), 3)


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """(b,): of each two pictures, 1 at most."""
    a, b = (p.flatten(1) - p.flatten(1).mean(1, keepdim=True) for p in (a, b))
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1)).clamp_min(1e-8).sqrt()

"""Perceptual losses as pure functions: (b, c, h, w) features in, a loss per picture (b,) out."""

from __future__ import annotations

import torch
from torch import Tensor


def gram(features: Tensor) -> Tensor:
    """(b, c, h, w) -> (b, c, c) in float32: products of channels averaged over pixels (Gatys et al. 2016)."""
    flat = features.flatten(2)  # (b, c, n)
    return ((flat / flat.shape[2] ** 0.5) @ (flat / flat.shape[2] ** 0.5).mT).float()


def relative_square(x: Tensor, target: Tensor) -> Tensor:
    """Squared distance over the target's square, so that layers weigh alike whatever their scale."""
    dims = tuple(range(1, x.ndim))
    return (x - target).square().mean(dims) / target.square().mean(dims).clamp_min(1e-6)


def compress(loss: Tensor) -> Tensor:
    """2(sqrt(1 + l) - 1): quadratic when near, linear when far, so that no single style owns the gradient."""
    return 2 * ((1 + loss).sqrt() - 1)


def gram_loss(out: Tensor, target: Tensor) -> Tensor:
    """`out` features against the `target` Gram matrix (b, c, c)."""
    return compress(relative_square(gram(out), target))


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    flat = features.float().flatten(2)
    return flat.mean(2), (flat.var(2, correction=0) + 1e-6).sqrt()


def moment_loss(out: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Channel means and deviations against the style's (b, c) (Huang & Belongie 2017)."""
    out_mean, out_std = moments(out)
    scale = (mean.square() + std.square()).mean(1).clamp_min(1e-6)
    return compress(((out_mean - mean).square().mean(1) + (out_std - std).square().mean(1)) / scale)


def total_variation(x: Tensor) -> Tensor:
    """Mean absolute step between neighbours, (b,)."""
    return (x[..., 1:] - x[..., :-1]).abs().mean((1, 2, 3)) + (x[..., 1:, :] - x[..., :-1, :]).abs().mean((1, 2, 3))


def flat_variation(x: Tensor, content: Tensor, radius: int = 5, flat: float = 0.02) -> Tensor:
    """Total variation where the content is flat: strokes may cross a sky, stipple may not fill it."""
    luma = content.mean(1, keepdim=True)
    mean = torch.nn.functional.avg_pool2d(luma, radius, 1, radius // 2, count_include_pad=False)
    square = torch.nn.functional.avg_pool2d(luma.square(), radius, 1, radius // 2, count_include_pad=False)
    weight = torch.exp(-((square - mean.square()).clamp_min(0).sqrt() / flat))
    horizontal = (x[..., 1:] - x[..., :-1]).abs() * weight[..., 1:]
    vertical = (x[..., 1:, :] - x[..., :-1, :]).abs() * weight[..., 1:, :]
    return horizontal.mean((1, 2, 3)) + vertical.mean((1, 2, 3))

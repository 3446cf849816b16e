"""Perceptual losses as pure functions: (b, c, h, w) features or pictures in, a loss per picture (b,) out."""

from __future__ import annotations

import torch
from torch import Tensor

from diffstyle.ops.gram import gram
from diffstyle.ops.luma import box
from diffstyle.ops.patches import sorted_projections


def relative_square(x: Tensor, target: Tensor) -> Tensor:
    """Mean squared error over the target's mean square, so that layers weigh alike whatever their scale."""
    dims = tuple(range(1, x.ndim))
    return (x - target).square().mean(dims) / target.square().mean(dims).clamp_min(1e-6)


def compress(loss: Tensor) -> Tensor:
    """2(sqrt(1 + l) - 1): quadratic near 0, linear far from it, so that no single style dominates the gradient."""
    return 2 * ((1 + loss).sqrt() - 1)


def gram_loss(out: Tensor, target: Tensor) -> Tensor:
    """Features `out` (b, c, h, w) against the Gram matrices `target` (b, c, c)."""
    return compress(relative_square(gram(out), target))


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel, (b, c) each."""
    flat = features.float().flatten(2)  # (b, c, n)
    return flat.mean(2), (flat.var(2, correction=0) + 1e-6).sqrt()


def moment_loss(out: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Channel means and deviations against the style's (b, c) (Huang and Belongie 2017)."""
    out_mean, out_std = moments(out)
    scale = (mean.square() + std.square()).mean(1).clamp_min(1e-6)
    return compress(((out_mean - mean).square().mean(1) + (out_std - std).square().mean(1)) / scale)


def sliced_loss(out: Tensor, target: Tensor, directions: Tensor, places: Tensor) -> Tensor:
    """Sorted projections on `directions` (c, k) of the features at `places` (m,), flat positions in maps of one size
    (b, c, h, w), as squared error relative to the target's (Heitz et al. 2021).
    """
    a, b = (sorted_projections(f.flatten(2)[:, :, places].float(), directions) for f in (out, target))  # (b, k, m)
    return compress(relative_square(a, b))


def arrangement_loss(out: Tensor, content: Tensor) -> Tensor:
    """Squared error of features normalised per channel over the picture, so that palette and contrast do not count."""

    def normalised(f: Tensor) -> Tensor:
        mean, std = moments(f)
        # a channel that is nearly dead in this picture must not be enlarged to full weight
        floor = 0.3 * std.mean(1, keepdim=True)
        return (f.float() - mean[..., None, None]) / (std + floor)[..., None, None]

    return (normalised(out) - normalised(content)).square().mean((1, 2, 3))


def total_variation(x: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels."""
    return (x[..., 1:] - x[..., :-1]).abs().mean((1, 2, 3)) + (x[..., 1:, :] - x[..., :-1, :]).abs().mean((1, 2, 3))


def temporal_loss(x: Tensor, previous: Tensor, trust: Tensor) -> Tensor:
    """Mean over pixels and channels of c (x - p)²: p is the `previous` frame (b, 3, h, w), warped to this one, c the
    `trust` in it (b, 1, h, w), from 0 to 1 (Ruder et al. 2016, "Artistic style transfer for videos", section 4).
    """
    return (trust * (x - previous).square()).mean((1, 2, 3))


def flatness(content: Tensor, side: int = 5, flat: float = 0.02) -> Tensor:
    """(b, 1, h, w): 1 where the content is constant over `side` pixels, falling with its deviation in units of
    `flat`.
    """
    grey = content.mean(1, keepdim=True)
    mean, square = (box(x, side) for x in (grey, grey.square()))
    return torch.exp(-((square - mean.square()).clamp_min(0).sqrt() / flat))


def flat_variation(x: Tensor, content: Tensor) -> Tensor:
    """Total variation of `x` where the content is flat: it penalises stipple in skies, not strokes on objects."""
    weight = flatness(content)
    horizontal = (x[..., 1:] - x[..., :-1]).abs() * weight[..., 1:]
    vertical = (x[..., 1:, :] - x[..., :-1, :]).abs() * weight[..., 1:, :]
    return horizontal.mean((1, 2, 3)) + vertical.mean((1, 2, 3))


def lattice(x: Tensor, content: Tensor, period: int = 8) -> Tensor:
    """Mean height of the pattern that repeats from cell to cell of the network's stride where the content is flat.

    A network of stride 8 can put the same stipple into every 8x8 cell of a sky. Averaged over the cells, strokes
    cancel out and such a pattern remains.
    """
    b, _, h, w = x.shape
    rows, columns = h // period, w // period
    grey = x.mean(1, keepdim=True)
    detail = grey - box(grey, period + 1)

    def cells(f: Tensor) -> Tensor:  # (b, 1, h, w) -> (b, rows, period, columns, period)
        return f[..., : rows * period, : columns * period].reshape(b, rows, period, columns, period)

    weight = cells(flatness(content, flat=0.04))
    pattern = (weight * cells(detail)).sum((1, 3)) / (weight.sum((1, 3)) + 0.05 * rows * columns)
    return pattern.abs().mean((1, 2))

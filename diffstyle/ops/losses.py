"""Perceptual losses as pure functions: (b, c, h, w) features in, a loss per picture (b,) out."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.ops.luma import box, correlation, edges, luma


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


def sliced_wasserstein(out: Tensor, target: Tensor, directions: Tensor, places: Tensor) -> Tensor:
    """Squared distance of sorted projections on `directions` (c, k) of the features at `places` (m,), flat positions of
    maps of equal size, over the target's mean square (Heitz et al. 2021): all of a texture's distribution.
    """

    def projected(f: Tensor) -> Tensor:  # (b, c, h, w) -> (b, k, m), sorted
        at = f.flatten(2)[:, :, places].float()
        return (directions.mT @ at).sort(2).values

    a, b = projected(out), projected(target)
    return compress(relative_square(a, b))


def patch_wasserstein(out: Tensor, target: Tensor, kernels: Tensor, *, stride: int) -> Tensor:
    """Distance of sorted projections of patches on `kernels` (k, c, s, s), over the spread of the target's: 1 is as far
    as a flat picture of the right colour. Needs no network (Elnekave and Weiss 2022).
    """
    a, b = (_projected(x, kernels, stride) for x in _of_one_size(out, target))
    return (a - b).abs().mean((1, 2)) / _spread(b)


def stroke_distance(
    out: Tensor,
    photo: Tensor,
    style: Tensor,
    generator: torch.Generator,
    *,
    scales: int,
    count: int = 48,
    side: int = 7,
) -> Tensor:
    """How far the strokes of `out` are from those of `style`, mean over `scales` halvings, in units of how far those of
    the photo are, or of their own spread where that is more: the photo's own scores 1 at most.

    Strokes are patches without their mean, of luminance whose mean and deviation are matched to the style's: contrast
    and colour are not strokes. `count` kernels are drawn anew for each scale. Needs no network (Elnekave and Weiss
    2022). All three are (b, 3, h, w).
    """
    out, photo, style = _of_one_size(out, photo, style)
    o, p, s = (luma(x.float()) for x in (out, photo, style))
    mean, deviation = s.mean((2, 3), keepdim=True), s.std((2, 3), keepdim=True)
    o, p = ((x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True).clamp_min(0.01) for x in (o, p))
    o, p = o * deviation + mean, p * deviation + mean
    found: list[Tensor] = []
    for level in range(scales):
        kernels = torch.randn(count, 1, side, side, generator=generator)
        kernels = F.normalize((kernels - kernels.mean((2, 3), keepdim=True)).flatten(1)).view_as(kernels)
        kernels, stride = kernels.to(out.device), scales - level
        a, b = _projected(o, kernels, stride), _projected(s, kernels, stride)
        with torch.no_grad():
            unit = torch.maximum((_projected(p, kernels, stride) - b).abs().mean((1, 2)), _spread(b))
        found.append((a - b).abs().mean((1, 2)) / unit)
        o, p, s = (F.avg_pool2d(x, 2) for x in (o, p, s))
    return torch.stack(found).mean(0)


def _of_one_size(*pictures: Tensor) -> tuple[Tensor, ...]:
    if len({p.shape for p in pictures}) > 1:
        raise ValueError(f"pictures of one size are needed, not {', '.join(str(tuple(p.shape)) for p in pictures)}")
    return pictures


def _projected(x: Tensor, kernels: Tensor, stride: int) -> Tensor:
    """(b, c, h, w) -> (b, k, patches), sorted."""
    return F.conv2d(x.float(), kernels, stride=stride).flatten(2).sort(2).values


def _spread(projected: Tensor) -> Tensor:
    return (projected - projected.mean(2, keepdim=True)).abs().mean((1, 2)).clamp_min(1e-3)


def arrangement_loss(out: Tensor, content: Tensor) -> Tensor:
    """Distance of features normalised per channel over the picture: arrangement counts, palette and contrast do not."""

    def normalised(f: Tensor) -> Tensor:
        mean, std = moments(f)
        # a channel that is nearly dead in this picture must not be enlarged to full weight
        floor = 0.3 * std.mean(1, keepdim=True)
        return (f.float() - mean[..., None, None]) / (std + floor)[..., None, None]

    return (normalised(out) - normalised(content)).square().mean((1, 2, 3))


def edge_correlation(x: Tensor, content: Tensor, *, scales: int = 2) -> Tensor:
    """(b,): how far the edges of `x` are where those of `content` are, 1 at most: correlation of blurred gradient
    magnitudes of luminance, mean over `scales` halvings.
    """
    found: list[Tensor] = []
    for _ in range(scales):
        x, content = (F.avg_pool2d(p, 2) for p in (x, content))
        found.append(correlation(*(edges(p.mean(1, keepdim=True)) for p in (x, content))))
    return torch.stack(found).mean(0)


def total_variation(x: Tensor) -> Tensor:
    """Mean absolute step between neighbours, (b,)."""
    return (x[..., 1:] - x[..., :-1]).abs().mean((1, 2, 3)) + (x[..., 1:, :] - x[..., :-1, :]).abs().mean((1, 2, 3))


def flatness(content: Tensor, side: int = 5, flat: float = 0.02) -> Tensor:
    """(b, 1, h, w): 1 where the content is flat over `side` pixels, falling with its deviation in units of `flat`."""
    grey = content.mean(1, keepdim=True)
    mean, square = (box(x, side) for x in (grey, grey.square()))
    return torch.exp(-((square - mean.square()).clamp_min(0).sqrt() / flat))


def flat_variation(x: Tensor, content: Tensor) -> Tensor:
    """Total variation where the content is flat: strokes may cross a sky, stipple may not fill it."""
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

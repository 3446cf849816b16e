"""Linear colour transfer: the Monge–Kantorovich map between Gaussians (Pitié & Kokaram 2007), on torch tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

FLOOR = 4e-4  # variance of sRGB added to the source: a map must not amplify noise
LEAST = 1e-6  # variance added to the target: in a style of one ink, hardly any hue of the source is left
LARGEST_GAIN = 3.0  # of the map along any colour direction


@dataclass(frozen=True, slots=True, eq=False)
class ColourMoments:
    """Mean (b, 3) and covariance (b, 3, 3) of pictures' colours, float32."""

    mean: Tensor
    covariance: Tensor


def colour_moments(pictures: Tensor, weight: Tensor | None = None) -> ColourMoments:
    """Moments of (b, 3, h, w); pixels count as much as `weight` (b, 1, h, w) says, alike if it is None."""
    x = pictures.float().flatten(2)  # (b, 3, n)
    share = torch.ones_like(x[:, :1]) if weight is None else weight.float().flatten(2).clamp_min(1e-8)
    share = share / share.sum(2, keepdim=True)
    mean = (x * share).sum(2)
    centred = x - mean[..., None]
    return ColourMoments(mean, (centred * share) @ centred.mT)


def mean_moments(moments: Sequence[ColourMoments]) -> ColourMoments:
    """Mean of means and mean of covariances: the latter without the variance between one picture and the next."""
    mean = torch.stack([m.mean for m in moments]).mean(0)
    return ColourMoments(mean, torch.stack([m.covariance for m in moments]).mean(0))


def colour_map(source: ColourMoments, target: ColourMoments) -> tuple[Tensor, Tensor]:
    """Matrix (b, 3, 3) and offset (b, 3) of the map that gives `source` the moments of `target` and moves it least.

    A = Cs^-1/2 (Cs^1/2 Ct Cs^1/2)^1/2 Cs^-1/2. Gains above LARGEST_GAIN are cut: where the source has hardly any
    contrast in some direction, the target's can only be reached by amplifying noise.
    """
    one = torch.eye(3, device=source.mean.device)
    root, inverse = _roots(source.covariance + FLOOR * one)
    middle, _ = _roots(root @ (target.covariance + LEAST * one) @ root)
    matrix = inverse @ middle @ inverse
    values, vectors = eigh((matrix + matrix.mT) / 2)
    matrix = (vectors * values.clamp(max=LARGEST_GAIN)[:, None]) @ vectors.mT
    return matrix, target.mean - (matrix @ source.mean[..., None])[..., 0]


def apply_colour_map(pictures: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """(b, 3, h, w): each colour c becomes matrix @ c + offset; not clamped."""
    flat = torch.baddbmm(offset[..., None], matrix, pictures.float().flatten(2))
    return flat.view(pictures.shape)


def match_colours(pictures: Tensor, target: ColourMoments) -> Tensor:
    """(b, 3, h, w) with the moments of `target`, clamped to [0, 1]."""
    return apply_colour_map(pictures, *colour_map(colour_moments(pictures), target)).clamp(0, 1)


def eigh(symmetric: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (…, n), ascending, and eigenvectors (…, n, n)."""
    values, vectors = cast("tuple[Tensor, Tensor]", torch.linalg.eigh(symmetric))
    return values, vectors


def _roots(symmetric: Tensor) -> tuple[Tensor, Tensor]:
    """Square roots of positive definite matrices (b, n, n), and their inverses."""
    values, vectors = eigh(symmetric)
    root = values.clamp_min(1e-10).sqrt()
    return (vectors * root[:, None]) @ vectors.mT, (vectors / root[:, None]) @ vectors.mT

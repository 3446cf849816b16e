"""The 2-Wasserstein distance of features that are described as Gaussians, by mean and covariance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from diffstyle.ops.colour_transfer import eigh
from diffstyle.ops.gram import gram

FLOOR = 1e-4  # of the mean variance, added to every variance: a square root has no gradient at 0


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMoments:
    """Mean (b, c) and covariance (b, c, c) of features over places."""

    mean: Tensor
    covariance: Tensor


def feature_moments(features: Tensor, guide: Tensor | None = None) -> FeatureMoments:
    """The moments of features (b, c, h, w), over the part of the picture that `guide` (b, 1, h, w) marks."""
    weight = torch.ones_like(features[:, :1]) if guide is None else guide
    mean = (features * weight).sum((2, 3)) / weight.sum((2, 3)).clamp_min(1e-6)
    return FeatureMoments(mean, gram(features - mean[..., None, None], guide))


def square_root(covariance: Tensor) -> Tensor:
    """The symmetric square root of positive semi-definite matrices (b, c, c)."""
    values, vectors = eigh(covariance)
    return (vectors * values.clamp_min(0).sqrt()[:, None]) @ vectors.mT


def gaussian_distance(found: FeatureMoments, target: FeatureMoments, target_root: Tensor) -> Tensor:
    """(b,): squared 2-Wasserstein distance of two Gaussians; `target_root` is the square root of the target covariance.

    W² = |m - μ|² + tr(C + Σ - 2 (Σ^½ C Σ^½)^½) (Olkin and Pukelsheim 1982); as a style loss in crowsonkb's
    style-transfer-pytorch.
    """
    between = target_root @ found.covariance @ target_root
    values = cast("Tensor", torch.linalg.eigvalsh((between + between.mT) / 2))
    floor = FLOOR**2 * target.covariance.diagonal(dim1=1, dim2=2).mean(1, keepdim=True).square() + 1e-12
    cross = (values.clamp_min(0) + floor).sqrt().sum(1)
    return (found.mean - target.mean).square().sum(1) + _trace(found.covariance) + _trace(target.covariance) - 2 * cross


def _trace(square: Tensor) -> Tensor:
    return square.diagonal(dim1=1, dim2=2).sum(1)

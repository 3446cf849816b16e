"""Gram matrices of features, over a whole picture or guided to a part of it."""

from __future__ import annotations

import torch
from torch import Tensor


def gram(features: Tensor, guide: Tensor | None = None) -> Tensor:
    """(b, c, h, w) -> (b, c, c): products of channels averaged over places, in float32 or float64.

    G = Σ t F Fᵀ / Σ t, where t is 1 everywhere (Gatys et al. 2016, equation 3) or `guide` (b, 1, h, w) in [0, 1], which
    limits the statistics to a part of the picture (Gatys et al. 2017, section 4).
    """
    flat = features.flatten(2)  # (b, c, n)
    if guide is None and flat.dtype in (torch.float32, torch.float64):
        return flat @ flat.mT / flat.shape[2]  # without a copy of the features
    if guide is None:
        half = flat / flat.shape[2] ** 0.5
    else:
        share = guide.flatten(2)
        half = flat * (share / share.sum(2, keepdim=True).clamp_min(1e-6)).sqrt().to(flat.dtype)
    product = half @ half.mT
    return product.to(torch.promote_types(product.dtype, torch.float32))


def gram_distance(features: Tensor, target: Tensor, guide: Tensor | None = None) -> Tensor:
    """(b,): E = mean (G - A)² between the Gram matrix of features (b, c, h, w) and the style's A (b, c, c).

    The style loss of Gatys et al. 2016, equation 4, up to the factor 1/4.
    """
    return (gram(features, guide) - target).square().mean((1, 2))

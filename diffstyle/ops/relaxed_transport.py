"""The losses of STROTSS (Kolkin et al. 2019): sets of feature vectors compared by relaxed optimal transport."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def cosine_distances(a: Tensor, b: Tensor) -> Tensor:
    """(n, m): D = 1 - a·b / |a||b| of vectors (n, d) and (m, d)."""
    return 1 - F.normalize(a, dim=1) @ F.normalize(b, dim=1).mT


def euclidean_distances(a: Tensor, b: Tensor) -> Tensor:
    """(n, m): |a - b| of vectors (n, d) and (m, d)."""
    squares = a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.mT
    return squares.clamp_min(1e-6).sqrt()


def relaxed_distance(distances: Tensor) -> Tensor:
    """A lower bound of the earth mover's distance of two sets, given their distances (n, m).

    REMD = max(1/n Σᵢ minⱼ D, 1/m Σⱼ minᵢ D): each of two marginals alone is relaxed (Kolkin et al. 2019, section 2.2).
    """
    return torch.maximum(distances.amin(1).mean(), distances.amin(0).mean())


def moment_distance(a: Tensor, b: Tensor) -> Tensor:
    """ℓ_m = |μ - μ'|₁/d + |Σ - Σ'|₁/d² of vectors (n, d) and (m, d) (Kolkin et al. 2019, section 2.2)."""
    means = (a.mean(0), b.mean(0))
    covariances = [(x - m).mT @ (x - m) / len(x) for x, m in zip((a, b), means, strict=True)]
    return (means[0] - means[1]).abs().mean() + (covariances[0] - covariances[1]).abs().mean()


def self_similarity_distance(a: Tensor, content: Tensor) -> Tensor:
    """Difference of the patterns of distances within two sets of as many vectors, (n, d) each.

    ℓ_C = mean |D/ΣᵢD - D'/ΣᵢD'| x n, with cosine distances D (Kolkin et al. 2019, section 2.3): what is alike in the
    content stays alike, whatever it looks like. Scaled by n, so that it does not depend on how many are compared.
    """
    found, wanted = (cosine_distances(x, x) for x in (a, content))
    found, wanted = (d / d.sum(0, keepdim=True).clamp_min(1e-6) for d in (found, wanted))
    return (found - wanted).abs().sum(0).mean()


def palette_distance(a: Tensor, b: Tensor) -> Tensor:
    """ℓ_p = REMD of colours (n, 3) and (m, 3) by their Euclidean distance (Kolkin et al. 2019, section 2.2)."""
    return relaxed_distance(euclidean_distances(a, b))

"""The Fréchet distance of two sets of embeddings, exact for any number of them."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """d² = |μa - μb|² + tr(Σa + Σb - 2 (Σa Σb)^½) of embeddings (n, d) and (m, d) (Dowson & Landau 1982).

    Covariances are unbiased. With A and B the centred embeddings over √(n - 1) and √(m - 1), Σa = AᵀA and Σb = BᵀB, and
    the trace of (Σa Σb)^½ is the sum of the singular values of A Bᵀ: no square root of a d by d matrix is taken, which
    loses digits where n < d.
    """
    a, b = a.double(), b.double()
    apart = (a.mean(0) - b.mean(0)).square().sum()
    a, b = ((x - x.mean(0)) / max(len(x) - 1, 1) ** 0.5 for x in (a, b))
    shared = cast("Tensor", torch.linalg.svdvals(a @ b.mT)).sum()
    return max(0.0, float(apart + a.square().sum() + b.square().sum() - 2 * shared))

"""What the prediction of a diffusion model amounts to: the clean latents, and the noise.

Schedulers of diffusers compute it only inside a sampling step. Prediction types are named as there: `epsilon`,
`v_prediction` (Salimans and Ho 2022) and `sample`. Levels are indices into `alphas`, diffusers' `alphas_cumprod`.
"""

from __future__ import annotations

import torch
from torch import Tensor


def clean_latents(alphas: Tensor, kind: str, noisy: Tensor, predicted: Tensor, t: Tensor) -> Tensor:
    """(b, c, h, w): the latents without noise that a prediction at levels t (b,) amounts to."""
    kept, added = parts(alphas, noisy, t)
    if kind == "v_prediction":
        return kept * noisy - added * predicted
    return predicted if kind == "sample" else (noisy - added * predicted) / kept


def predicted_noise(alphas: Tensor, kind: str, noisy: Tensor, predicted: Tensor, t: Tensor) -> Tensor:
    """(b, c, h, w): the noise that a prediction at levels t (b,) amounts to."""
    kept, added = parts(alphas, noisy, t)
    if kind == "v_prediction":
        return kept * predicted + added * noisy
    return (noisy - kept * predicted) / added.clamp_min(1e-4) if kind == "sample" else predicted


def parts(alphas: Tensor, latents: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """(b, 1, 1, 1) each: the factors of latents and of noise at levels t (b,)."""
    keep = alphas.to(latents.device, torch.float32)[t].view(-1, 1, 1, 1)
    return keep.sqrt(), (1 - keep).sqrt()

"""What every training of a diffusion model shares: what the UNet is to predict, how losses are weighted, edge maps.

Noise is added by diffusers' own schedulers. What they compute only inside a sampling step is here, for the prediction
types that diffusers names `epsilon`, `v_prediction` (Salimans and Ho 2022) and `sample`.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import training_utils as untyped
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from diffstyle.engines.diffusion.controlnet_hints import soft_edge

training_utils: Any = untyped
SNR_LIMIT = 5.0


def training_scheduler(sampling: Any) -> Any:
    """The noise schedule of a pipeline's scheduler for training: samplers such as Euler's add noise in other units."""
    return DDPMScheduler.from_config(sampling.config)


def prediction_target(scheduler: Any, latents: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """(b, c, h, w): what the UNet is to predict of latents with noise at levels t (b,)."""
    kind = scheduler.config.prediction_type
    if kind == "v_prediction":
        return scheduler.get_velocity(latents, noise, t)
    return latents if kind == "sample" else noise


def clean_latents(scheduler: Any, noisy: Tensor, predicted: Tensor, t: Tensor) -> Tensor:
    """(b, c, h, w): the latents that a prediction at levels t (b,) amounts to."""
    kept, added = _parts(scheduler, noisy, t)
    kind = scheduler.config.prediction_type
    if kind == "v_prediction":
        return kept * noisy - added * predicted
    return predicted if kind == "sample" else (noisy - added * predicted) / kept


def noise_of_velocity(scheduler: Any, noisy: Tensor, velocity: Tensor, t: Tensor) -> Tensor:
    """(b, c, h, w): the noise that a predicted velocity amounts to."""
    kept, added = _parts(scheduler, noisy, t)
    return kept * velocity + added * noisy


def min_snr_weight(scheduler: Any, t: Tensor, limit: float = SNR_LIMIT) -> Tensor:
    """(b,): weights of the squared error, so that no noise level dominates the gradient (Hang et al. 2023)."""
    snr: Tensor = training_utils.compute_snr(scheduler, t)
    capped = snr.clamp_max(limit)
    kind = scheduler.config.prediction_type
    if kind == "v_prediction":
        return capped / (snr + 1)
    return capped if kind == "sample" else capped / snr.clamp_min(1e-6)


def edge_maps(pictures: Tensor) -> Tensor:
    """(b, 3, h, w) in [0, 1] -> (b, 1, h, w): the soft edges that a ControlNet is given, which has them three times."""
    return torch.stack([soft_edge(p.contiguous())[:1] for p in pictures])


def _parts(scheduler: Any, latents: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """(b, 1, 1, 1) each: the factors of latents and of noise at levels t (b,)."""
    keep = scheduler.alphas_cumprod.to(latents.device, torch.float32)[t].view(-1, 1, 1, 1)
    return keep.sqrt(), (1 - keep).sqrt()

"""What every training of a diffusion model shares: what the UNet is to predict, and how losses are weighted.

Noise is added by diffusers' own schedulers. Prediction types are those that diffusers names `epsilon`, `v_prediction`
(Salimans and Ho 2022) and `sample`.
"""

from __future__ import annotations

from typing import Any

from diffusers import training_utils as untyped
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from diffstyle.ops.latents import parts

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


def velocity_towards(scheduler: Any, noisy: Tensor, clean: Tensor, t: Tensor) -> Tensor:
    """(b, c, h, w): the velocity at which `noisy` latents at levels t (b,) amount to `clean` ones.

    For clean latents with noise it is diffusers' `get_velocity`; it is defined for any other start too, but grows
    without bound where there is no noise.
    """
    kept, added = parts(scheduler.alphas_cumprod, noisy, t)
    return (kept * noisy - clean) / added.clamp_min(1e-4)


def min_snr_weight(scheduler: Any, t: Tensor, limit: float = SNR_LIMIT) -> Tensor:
    """(b,): weights of the squared error, so that no noise level dominates the gradient (Hang et al. 2023)."""
    snr: Tensor = training_utils.compute_snr(scheduler, t)
    capped = snr.clamp_max(limit)
    kind = scheduler.config.prediction_type
    if kind == "v_prediction":
        return capped / (snr + 1)
    return capped if kind == "sample" else capped / snr.clamp_min(1e-6)

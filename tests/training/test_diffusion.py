"""What every training of a diffusion model shares, and what predictions amount to."""

from __future__ import annotations

from typing import Any

import diffusers as untyped
import pytest
import torch

from diffstyle.ops.latents import clean_latents, predicted_noise
from diffstyle.training.diffusion import min_snr_weight, prediction_target, training_scheduler, velocity_towards

diffusers: Any = untyped


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_a_perfect_prediction_gives_latents_and_noise_back(prediction: str) -> None:
    scheduler = training_scheduler(diffusers.EulerDiscreteScheduler(prediction_type=prediction))
    generator = torch.Generator().manual_seed(0)
    latents, noise = (torch.randn(2, 3, 4, 4, generator=generator) for _ in range(2))
    t = torch.tensor([10, 700])
    noisy = scheduler.add_noise(latents, noise, t)
    target = prediction_target(scheduler, latents, noise, t)
    alphas = scheduler.alphas_cumprod
    assert torch.allclose(clean_latents(alphas, prediction, noisy, target, t), latents, atol=1e-4)
    assert torch.allclose(predicted_noise(alphas, prediction, noisy, target, t), noise, atol=1e-4)


def test_every_noise_level_has_a_bounded_weight() -> None:
    t = torch.arange(1000)
    weights = {p: min_snr_weight(diffusers.DDPMScheduler(prediction_type=p), t) for p in ("epsilon", "v_prediction")}
    for weight in weights.values():
        assert bool((weight > 0).all())
        assert bool((weight <= 1).all())
    assert bool((min_snr_weight(diffusers.DDPMScheduler(prediction_type="sample"), t) <= 5).all())


def test_a_velocity_leads_to_the_target_from_any_start() -> None:
    scheduler = diffusers.DDPMScheduler(prediction_type="v_prediction")
    photo, painting, noise = torch.randn(3, 2, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    t = torch.tensor([250, 600])
    usual = velocity_towards(scheduler, scheduler.add_noise(painting, noise, t), painting, t)
    assert torch.allclose(usual, scheduler.get_velocity(painting, noise, t), atol=1e-4)
    noisy = scheduler.add_noise(photo, noise, t)
    towards = velocity_towards(scheduler, noisy, painting, t)
    found = clean_latents(scheduler.alphas_cumprod, "v_prediction", noisy, towards, t)
    assert torch.allclose(found, painting, atol=1e-4)

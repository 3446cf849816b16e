"""What every training of a diffusion model shares."""

from __future__ import annotations

from typing import Any

import diffusers as untyped
import pytest
import torch

from diffstyle.training.diffusion import (
    clean_latents,
    edge_maps,
    min_snr_weight,
    noise_of_velocity,
    prediction_target,
    training_scheduler,
)

diffusers: Any = untyped


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_a_perfect_prediction_gives_the_latents_back(prediction: str) -> None:
    scheduler = training_scheduler(diffusers.EulerDiscreteScheduler(prediction_type=prediction))
    generator = torch.Generator().manual_seed(0)
    latents, noise = (torch.randn(2, 3, 4, 4, generator=generator) for _ in range(2))
    t = torch.tensor([10, 700])
    noisy = scheduler.add_noise(latents, noise, t)
    target = prediction_target(scheduler, latents, noise, t)
    assert torch.allclose(clean_latents(scheduler, noisy, target, t), latents, atol=1e-4)
    if prediction == "v_prediction":
        assert torch.allclose(noise_of_velocity(scheduler, noisy, target, t), noise, atol=1e-4)


def test_every_noise_level_has_a_bounded_weight() -> None:
    t = torch.arange(1000)
    weights = {p: min_snr_weight(diffusers.DDPMScheduler(prediction_type=p), t) for p in ("epsilon", "v_prediction")}
    for weight in weights.values():
        assert bool((weight > 0).all())
        assert bool((weight <= 1).all())
    assert bool((min_snr_weight(diffusers.DDPMScheduler(prediction_type="sample"), t) <= 5).all())


def test_edge_maps_are_those_of_each_picture_alone() -> None:
    pictures = torch.rand(2, 3, 48, 32, generator=torch.Generator().manual_seed(0))
    maps = edge_maps(pictures)
    assert maps.shape == (2, 1, 48, 32)
    assert torch.equal(maps[1:], edge_maps(pictures[1:]))

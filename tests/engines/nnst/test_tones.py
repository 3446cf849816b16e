"""Tones of a photo in a style: hues of one ink, and gradients that stay gradients."""

from __future__ import annotations

import torch

from diffstyle.engines.nnst.tones import STEEPEST, ToneMap, limit_slope
from diffstyle.ops.colour_transfer import ColourMoments, apply_colour_map, colour_map, colour_moments


def test_no_part_of_a_tone_curve_is_steep() -> None:
    at, values = torch.linspace(0, 1, 17), torch.cat((torch.zeros(8), torch.ones(9)))
    curve = limit_slope(at, values)
    assert float(curve.diff().max()) <= 1.01 * STEEPEST / 16
    assert float(curve.diff().min()) >= 0
    assert torch.allclose(curve[[0, -1]], values[[0, -1]], atol=0.02)
    straight = torch.linspace(0.2, 0.7, 17)
    assert torch.allclose(limit_slope(at, straight), straight, atol=1e-5)


def test_a_style_of_one_ink_leaves_no_hue() -> None:
    photo = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    grey = ColourMoments(torch.full((1, 3), 0.5), torch.full((1, 3, 3), 0.05))
    painted = apply_colour_map(photo, *colour_map(colour_moments(photo), grey))
    assert float((painted - painted.mean(1, keepdim=True)).abs().mean()) < 0.005


def test_what_is_light_keeps_its_form() -> None:
    stripes = 0.85 + 0.05 * (torch.arange(96) // 3 % 2).float().expand(1, 3, 96, 96)
    photo = torch.cat((stripes, torch.linspace(0, 0.5, 96).expand(1, 3, 96, 96)), 3)
    tones = torch.linspace(0, 1, 17)
    flat_in_the_lights = ToneMap(torch.eye(3)[None], torch.zeros(1, 3), tones, tones.clamp(max=0.7), 1.0, 1.0)
    goal = flat_in_the_lights(photo)
    detailed = flat_in_the_lights.with_detail(goal, photo)
    contrast, before = (float(x[..., 16:80].std()) for x in (detailed, goal))
    assert before < 0.012 < 0.015 < contrast

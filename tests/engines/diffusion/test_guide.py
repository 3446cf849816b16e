"""Neural-neighbour guidance on tiny random models and on the starter's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers as untyped
import numpy as np
import pytest
import torch
from torch import Tensor

from diffstyle import Diffusion, InputError, Picture, Style, Stylizer
from diffstyle.core.mask import Mask
from diffstyle.engines.diffusion.guide import Guide, guided, prediction_change
from diffstyle.ops.latents import clean_latents
from tests.helpers.models import load_tiny
from tests.helpers.pictures import largest_difference, waves

diffusers: Any = untyped
GUIDED = Diffusion(steps=2, guide="nnst", guide_scale=4)


def to_picture(latents: Tensor) -> Tensor:
    return torch.sigmoid(torch.nn.functional.interpolate(latents[:, :3], scale_factor=4.0, mode="bilinear"))


@pytest.fixture(scope="module")
def guide() -> Guide:
    style = Picture.from_array(waves(128, 96, seed=4)).pixels
    return Guide([style], torch.ones(1, 96, 128), to_picture, scale=1.0)


def test_steps_come_nearer_to_the_style(guide: Guide) -> None:
    latents = torch.randn(1, 4, 24, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = float(guide.distance(to_picture(latents)))
        for _ in range(5):
            latents = latents + guide.step(latents)
        assert float(guide.distance(to_picture(latents))) < before - 0.01
    assert guide.seconds > 0


def test_the_style_itself_is_at_no_distance(guide: Guide) -> None:
    assert float(guide.distance(guide.styles[0][None])) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_a_changed_prediction_amounts_to_changed_latents(kind: str) -> None:
    alphas = diffusers.DDIMScheduler(prediction_type=kind).alphas_cumprod
    noisy, predicted, change = torch.randn(3, 1, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    t = torch.tensor([400])
    before = clean_latents(alphas, kind, noisy, predicted, t)
    after = clean_latents(alphas, kind, noisy, predicted + prediction_change(alphas, kind, change, t), t)
    assert torch.allclose(after, before + change, atol=1e-4)


def test_without_a_guide_the_network_is_left_alone() -> None:
    network = torch.nn.Linear(2, 2)
    with guided(network, None, None):
        assert "forward" not in vars(network)


@pytest.mark.parametrize("model", ["worded", "wordless", pytest.param("xl", marks=pytest.mark.long)])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_it_acts_repeats_and_says_what_it_took(
    tiny_models: Path, model: str, guidance: float, small_photo: Picture, painting: Style, other_painting: Style
) -> None:
    stylizer = load_tiny(tiny_models, model)

    def paint(style: Style, **settings: Any) -> Picture:
        return stylizer.stylize(small_photo, style, engine=Diffusion(steps=2, guidance=guidance, **settings)).picture

    plain, drawn = paint(painting), paint(painting, guide="nnst")
    assert drawn != plain
    assert drawn == paint(painting, guide="nnst")
    assert drawn.measures["guide_seconds"] > 0
    assert paint(painting, guide="nnst", guide_scale=0.0) == plain
    assert paint(painting) == plain  # nothing is left behind
    assert drawn != paint(other_painting, guide="nnst")


def test_regions_are_drawn_to_their_own_styles(
    worded: Stylizer, small_photo: Picture, painting: Style, other_painting: Style
) -> None:
    h, w = small_photo.pixels.shape[1:]
    left = np.zeros((h, w), np.float32)
    left[:, : w // 2] = 1
    engine = Diffusion(steps=2, guide="nnst", guide_scale=4, style_scale=0, start="content")
    both, one = (
        worded.stylize(small_photo, painting, regions=r, engine=engine).picture
        for r in ([(Mask.of(left), other_painting)], [])
    )
    difference = (both.pixels - one.pixels).abs().mean(0)
    assert float(difference[:, : w // 4].mean()) > 2 * float(difference[:, -w // 4 :].mean())


@pytest.mark.parametrize("scheduler", ["ddim", "dpm++", "unipc", "lcm"])
def test_it_acts_with_every_sampler_that_keeps_units(
    worded: Stylizer, small_photo: Picture, painting: Style, scheduler: Any
) -> None:
    def paint(**settings: Any) -> Picture:
        return worded.stylize(small_photo, painting, engine=Diffusion(steps=2, scheduler=scheduler, **settings)).picture

    assert paint(guide="nnst") != paint()


def test_tiles_are_drawn_together(worded: Stylizer, painting: Style) -> None:
    photo = Picture.from_array(waves(200, 136, seed=2))
    plain, drawn = (
        worded.stylize(photo, painting, engine=Diffusion(steps=2, guide=guide, tile=128, overlap=32)).picture
        for guide in ("off", "nnst")
    )
    assert drawn != plain
    assert drawn.measures["seam_score"] < 1.5 * plain.measures["seam_score"]


def test_strength_0_is_the_photo(worded: Stylizer, small_photo: Picture, painting: Style) -> None:
    assert (
        largest_difference(worded.stylize(small_photo, painting, strength=0, engine=GUIDED).picture, small_photo) == 0
    )


def test_a_sampler_in_other_units_is_refused() -> None:
    with pytest.raises(InputError, match="cannot follow euler-a"):
        Diffusion(guide="nnst", scheduler="euler-a")

"""Whose colours a result has, and how far they are from those that were asked for."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch

from diffstyle import Picture, Style, Stylizer
from diffstyle.core.settings import EngineSettings
from diffstyle.ops.lab import Array, by_rows, mean_ab_distance, to_lab, to_srgb
from tests.helpers.pictures import mean_difference, waves
from tests.helpers.styles import suited


def saturated() -> Picture:
    """Deep blue, red and green beside each other, with grain."""
    flat = np.repeat(np.array([[20, 20, 120], [160, 20, 20], [10, 90, 20]]), 40, 0)[None] + np.zeros((80, 1, 1))
    grain = np.random.default_rng(0).integers(-15, 15, flat.shape)
    return Picture.from_array((flat + grain).clip(0, 255).astype(np.uint8))


def test_saturated_colours_do_not_wash_out_on_white_paper(stylizer: Stylizer) -> None:
    paper = Style.from_image(np.clip(waves(96, 96, seed=2).astype(int) // 8 + 220, 0, 255).astype(np.uint8))
    photo = saturated()
    result = stylizer.stylize(photo, paper, colour="keep")
    assert result.measures["delta_e_content"] < 0.5
    plain = stylizer.stylize(photo, paper).picture

    def naive(painted: Array, content: Array) -> Array:
        """The painting's lightness over the photo's colours, clipped."""
        return to_srgb(np.concatenate([to_lab(painted)[..., :1], to_lab(content)[..., 1:]], -1))

    clipped = by_rows(naive, plain.pixels, photo.pixels)
    assert mean_ab_distance(clipped, photo.pixels) > 3

    def saturation(pixels: torch.Tensor) -> float:
        high, low = pixels.amax(0), pixels.amin(0)
        return float(((high - low) / high.clamp_min(1e-3)).mean())

    assert saturation(result.picture.pixels) > 1.3 * saturation(clipped)


@pytest.mark.parametrize("colour", ["match", "palette"])
def test_the_result_has_the_styles_colours(
    colour: Literal["match", "palette"], stylizer: Stylizer, photo: Picture, painting: Style
) -> None:
    result = stylizer.stylize(photo, painting, colour=colour)
    assert result.measures["delta_e_style"] < 3
    assert result.measures["delta_e_content"] > 10


def test_words_have_colours_too(engine: EngineSettings, stylizer: Stylizer, small_photo: Picture) -> None:
    if engine.capabilities.own_styles:
        pytest.skip("its styles are not in the colours that these words name")
    style = suited(engine, Style.from_text("watercolour in blue"), "woodcut in blue")
    out = stylizer.stylize(small_photo, style, engine=engine, colour="palette").picture
    mean = out.pixels.mean((1, 2))
    assert float(mean[2]) > float(mean[0])


def test_colour_weight_fades_from_the_painting_to_its_recoloured_self(
    stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    off, half, keep = (
        stylizer.stylize(small_photo, painting, colour="keep", colour_weight=w).picture for w in (0, 0.5, 1)
    )
    assert off == stylizer.stylize(small_photo, painting).picture
    assert float((half.pixels - (off.pixels + keep.pixels) / 2).abs().max()) < 1e-5


def test_a_small_strength_recolours_little(stylizer: Stylizer, small_photo: Picture, painting: Style) -> None:
    out = stylizer.stylize(small_photo, painting, colour="palette", strength=0.02).picture
    assert mean_difference(out, small_photo) < 0.02

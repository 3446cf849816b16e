"""Colours under transparency never count: they are continued from what is seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from diffstyle import InputError, Picture, Style
from diffstyle.core.fill import filled
from tests.helpers.pictures import waves


@pytest.mark.parametrize("size", [(64, 48), (37, 91), (16, 16)])
def test_hidden_pixels_do_not_matter_and_visible_ones_stay(size: tuple[int, int]) -> None:
    pixels = Picture.from_array(waves(*size)).pixels
    weight = torch.zeros(1, size[1], size[0])
    weight[:, 4:12, 5:14] = 1
    found = filled(pixels, weight)
    assert torch.equal(found, filled(torch.where(weight > 0, pixels, 1 - pixels), weight))
    assert float((found - pixels)[:, 4:12, 5:14].abs().max()) < 1e-6
    low, high = pixels[:, 4:12, 5:14].amin((1, 2)), pixels[:, 4:12, 5:14].amax((1, 2))
    assert bool((found.amin((1, 2)) >= low - 1e-5).all() & (found.amax((1, 2)) <= high + 1e-5).all())


def test_a_hole_has_the_colours_around_it() -> None:
    pixels = torch.zeros(3, 64, 64)
    pixels[0, :, :32], pixels[2, :, 32:] = 1, 1
    weight = torch.ones(1, 64, 64)
    weight[:, 20:44, 4:28] = 0
    found = filled(pixels, weight)[:, 20:44, 4:20]
    assert float(found[0].min()) > 0.9


def test_what_is_wholly_transparent_is_refused() -> None:
    picture = Picture.from_array(waves(64, 48))
    clear = replace(picture, alpha=torch.zeros(1, 48, 64))
    with pytest.raises(InputError, match="wholly transparent"):
        Style.from_image(clear)
    with pytest.raises(InputError, match="wholly transparent"):
        clear.check_visible()

"""Procedural styles: every medium, on a real photo."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from diffstyle.data.procedural import INKED, MEDIA, render
from diffstyle.data.procedural.palette import DARK, LIGHT


@pytest.fixture(scope="module")
def photograph() -> npt.NDArray[np.uint8]:
    from skimage import data

    return cast("npt.NDArray[np.uint8]", data.astronaut())


@pytest.mark.parametrize("medium", MEDIA)
def test_each_medium_is_a_function_of_its_seed(medium: str, photograph: npt.NDArray[np.uint8]) -> None:
    one, same, other = (render(photograph, medium, np.random.default_rng(n), longest=96) for n in (3, 3, 4))
    assert one.pixels.shape == (96, 96, 3)
    assert np.array_equal(one.pixels, same.pixels)
    assert one.words == same.words
    assert not np.array_equal(one.pixels, other.pixels)
    assert one.words[0] == medium
    assert one.pixels.std() > 8  # never an empty sheet


@pytest.mark.parametrize("medium", sorted(INKED))
def test_the_named_colours_are_in_the_picture(medium: str, photograph: npt.NDArray[np.uint8]) -> None:
    for seed in range(2):
        rendering = render(photograph, medium, np.random.default_rng(seed), longest=160)
        paper = np.array(LIGHT[rendering.words[-1]])
        ink = np.array(DARK[rendering.words[-2]])
        pixels = rendering.pixels.reshape(-1, 3).astype(int)
        for colour in (ink, paper):
            assert (np.abs(pixels - colour).max(1) < 60).mean() > 0.03


def test_a_woodcut_has_solid_blacks_and_an_engraving_has_none(photograph: npt.NDArray[np.uint8]) -> None:
    for seed in range(3):
        solid: list[float] = []
        for medium in ("woodcut", "engraving"):
            rendering = render(photograph, medium, np.random.default_rng(seed), longest=320)
            ink = np.abs(rendering.pixels.astype(int) - DARK[rendering.words[-2]]).max(2) < 40
            squares = ink[:312, :312].reshape(26, 12, 26, 12)
            solid.append(float(squares.all((1, 3)).mean()))
        assert solid[0] > 0.05
        assert solid[1] == 0


def test_the_pixels_of_pixel_art_are_seen(photograph: npt.NDArray[np.uint8]) -> None:
    for seed in range(3):
        pixels = render(photograph, "pixel art", np.random.default_rng(seed), longest=400).pixels
        changes = np.flatnonzero((pixels[:, 1:] != pixels[:, :-1]).any((0, 2))) + 1
        side = int(np.diff(changes).min())
        assert side >= 400 * 0.01
        assert (changes % side == 0).all()
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) <= 24

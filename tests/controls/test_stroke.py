"""Strokes are a share of the picture."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from diffstyle import InputError, Picture, Settings, Style, Stylizer
from diffstyle.controls.enlarge import lost
from diffstyle.core.task import EngineName


@pytest.fixture(scope="module")
def large() -> Picture:
    from skimage import data

    return Picture.from_array(cast("npt.NDArray[np.uint8]", data.coffee())).resized((1024, 684))


@pytest.mark.parametrize("engine", ["adain", "diffusion"])
def test_a_large_picture_looks_like_a_small_one(engine: EngineName, stylizer: Stylizer, large: Picture) -> None:
    style = Style.from_text("charcoal drawing on white paper")
    small = large.resized((256, 171))

    def apart(stroke: float | None) -> float:
        two = [stylizer.stylize(p, style, engine=engine, stroke=stroke).picture for p in (large, small)]
        assert two[0].size == large.size
        return float((two[0].resized(small.size).pixels - two[1].pixels).abs().mean())

    assert apart(2.0) < 0.6 * apart(None)


def test_what_is_coarse_is_painted_and_what_is_fine_is_the_photos(
    stylizer: Stylizer, large: Picture, painting: Style
) -> None:
    result = stylizer.stylize(large, painting, stroke=4.0).picture
    assert result.notes == ("Strokes painted at 128x86.",)
    small = large.resized((128, 86))
    painted = stylizer.stylize(small, painting).picture
    assert float((result.resized(small.size).pixels - painted.pixels).abs().mean()) < 0.03

    def fine(picture: Picture) -> npt.NDArray[np.float32]:
        return lost(picture, small.size).mean(0).numpy().ravel()

    assert np.corrcoef(fine(result), fine(large))[0, 1] > 0.8


def test_a_size_that_is_met_already_changes_nothing(stylizer: Stylizer, large: Picture, painting: Style) -> None:
    plain = stylizer.stylize(large, painting, engine="adain").picture
    assert stylizer.stylize(large, painting, engine="adain", stroke=0.5).picture == plain
    for bad in (0.0, -1.0, 5.0, float("nan")):
        with pytest.raises(InputError, match="stroke"):
            Settings(stroke=bad)

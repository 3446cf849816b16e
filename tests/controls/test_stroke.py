"""Strokes are a share of the picture, so that they look alike at every size."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from diffstyle import InputError, Picture, Settings, Style, Stylizer
from diffstyle.controls.enlarge import lost_detail
from diffstyle.core.settings import EngineSettings
from tests.helpers.pictures import mean_difference


@pytest.fixture(scope="module")
def coffee() -> Picture:
    """A cup of coffee, 512 x 342 pixels."""
    from skimage import data

    return Picture.from_array(cast("npt.NDArray[np.uint8]", data.coffee())).resized((512, 342))


def test_a_large_picture_looks_like_a_small_one(engine: EngineSettings, stylizer: Stylizer, coffee: Picture) -> None:
    style = Style.from_text("charcoal drawing on white paper")
    small = coffee.resized((128, 86))

    def apart(stroke: float | None) -> float:
        large, little = (stylizer.stylize(p, style, engine=engine, stroke=stroke).picture for p in (coffee, small))
        assert large.size == coffee.size
        return mean_difference(large.resized(small.size), little)

    assert apart(4.0) < 0.6 * apart(None)


def test_coarse_detail_is_painted_and_fine_detail_is_the_photos(
    stylizer: Stylizer, coffee: Picture, painting: Style
) -> None:
    result = stylizer.stylize(coffee, painting, stroke=4.0).picture
    assert result.notes == ("Strokes painted at 128x86.",)
    small = coffee.resized((128, 86))
    assert mean_difference(result.resized(small.size), stylizer.stylize(small, painting).picture) < 0.03

    def fine(picture: Picture) -> npt.NDArray[np.float32]:
        return lost_detail(picture, small.size).mean(0).numpy().ravel()

    assert np.corrcoef(fine(result), fine(coffee))[0, 1] > 0.8


def test_a_stroke_that_a_picture_has_already_changes_nothing(
    engine: EngineSettings, stylizer: Stylizer, coffee: Picture, painting: Style
) -> None:
    small = coffee.resized((128, 86))
    plain = stylizer.stylize(small, painting, engine=engine).picture
    assert stylizer.stylize(small, painting, engine=engine, stroke=4.0).picture == plain


@pytest.mark.parametrize("bad", [0.0, -1.0, 5.0, float("nan")])
def test_a_stroke_out_of_range_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match="stroke"):
        Settings(stroke=bad)

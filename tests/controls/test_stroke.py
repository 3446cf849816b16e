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
from tests.helpers.styles import suited


@pytest.fixture(scope="module")
def coffee() -> Picture:
    """A cup of coffee, 512 x 342 pixels."""
    from skimage import data

    return Picture.from_array(cast("npt.NDArray[np.uint8]", data.coffee())).resized((512, 342))


def test_a_large_picture_looks_like_a_small_one(engine: EngineSettings, stylizer: Stylizer, coffee: Picture) -> None:
    style = suited(engine, Style.from_text("charcoal drawing on white paper"))
    small = coffee.resized((128, 86))

    def apart(stroke: float | None) -> float:
        large, little = (stylizer.stylize(p, style, engine=engine, stroke=stroke).picture for p in (coffee, small))
        assert large.size == coffee.size
        return mean_difference(large.resized(small.size), little)

    if engine.capabilities.strokes:  # they are a share of the picture without being asked for
        assert max(apart(4.0), apart(None)) < 0.12
    else:
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
    style, small = suited(engine, painting), coffee.resized((128, 86))
    plain = stylizer.stylize(small, style, engine=engine).picture
    own = 1.0 if engine.capabilities.strokes else 4.0
    assert stylizer.stylize(small, style, engine=engine, stroke=own).picture == plain


@pytest.mark.parametrize("bad", [0.0, -1.0, 5.0, float("nan")])
def test_a_stroke_out_of_range_is_refused(bad: float) -> None:
    with pytest.raises(InputError, match="stroke"):
        Settings(stroke=bad)

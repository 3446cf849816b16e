"""The page's own controls and what they compute, without a server."""

from __future__ import annotations

import base64
import io
import logging
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from diffstyle_ui.app.sessions import Kept, Session
from diffstyle_ui.app.status import UNEXPECTED
from diffstyle_ui.app.user_errors import plainly
from diffstyle_ui.app.votes import COLUMNS, drawn, logged
from diffstyle_ui.tabs.train import recipe_of
from diffstyle_ui.widgets.corner_pad import corner_weights
from diffstyle_ui.widgets.loss_curve import curve
from diffstyle_ui.widgets.mask_editor import PREFIX, mask_of
from diffstyle_ui.widgets.style_map import at
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from diffstyle import InputError, StyleSpace


@pytest.fixture(scope="module")
def space() -> StyleSpace:
    return StyleSpace.presets()


places = st.floats(-1, 2, allow_subnormal=False)  # a training in the same process may have switched them off


@given(places, places)
def test_corner_weights_are_shares(x: float, y: float) -> None:
    weights = corner_weights(x, y)
    assert sum(weights) == pytest.approx(1)
    assert min(weights) >= 0
    assert corner_weights(1, 0) == (0, 1, 0, 0)


def test_a_place_on_the_map_is_a_blend_of_what_is_near(space: StyleSpace) -> None:
    x, y = space.map()["neon"]
    assert at(space, x, y) == {"neon": 1}
    between = at(space, x - 0.05, y)
    assert sum(between.values()) == pytest.approx(1)
    assert len(between) == 3


def png(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return PREFIX + base64.b64encode(buffer.getvalue()).decode()


def test_what_is_brushed_is_a_mask() -> None:
    drawn = np.zeros((40, 60, 4), np.uint8)
    drawn[10:20, 5:30] = (224, 69, 43, 255)
    mask = mask_of(png(Image.fromarray(drawn)))
    assert mask.size == (60, 40)
    assert np.array_equal(mask.to_array(), drawn[..., 3])


@pytest.mark.parametrize(
    "url",
    ["", "/etc/passwd", "data:text/html,x", PREFIX + "!", PREFIX + "AAAA", PREFIX + "A" * 5_000_000],
    ids=["nothing", "path", "other", "no base64", "no picture", "endless"],
)
def test_what_is_no_drawing_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="paint it again"):
        mask_of(url)


def test_a_drawing_of_many_pixels_is_refused() -> None:
    with pytest.raises(InputError, match="1024"):
        mask_of(png(Image.new("RGBA", (3000, 20))))


def test_the_curve_shows_both_losses() -> None:
    assert curve([(1, 0.5)], []) == ""
    drawing = curve([(n, 1 / n) for n in range(1, 2000)], [(500, 0.3), (1000, 0.2)])
    assert drawing.count("<polyline") == 2
    assert drawing.count("<circle") == 2
    assert "held-out pictures 0.200" in drawing
    assert len(drawing) < 20_000


def test_errors_are_sentences_and_what_is_unexpected_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    @plainly
    def known() -> None:
        raise InputError("size is <b>: give a number.")

    @plainly
    def unknown() -> None:
        raise KeyError("/a/path/of/the/server")

    with pytest.raises(gr.Error) as caught:
        known()
    assert caught.value.message == "size is &lt;b&gt;: give a number."
    with caplog.at_level(logging.ERROR), pytest.raises(gr.Error) as caught:
        unknown()
    assert caught.value.message == UNEXPECTED
    assert "/a/path/of/the/server" in caplog.text


@pytest.mark.parametrize("steps", ["many", "0", "1.5"])
def test_steps_are_whole_numbers(steps: str) -> None:
    with pytest.raises(InputError, match="steps is"):
        recipe_of(8, steps)


def test_steps_stand_in_for_minutes() -> None:
    assert recipe_of(3, "").minutes == 3
    assert recipe_of(3, " 12 ").steps == 12


def test_votes_are_lines_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    kept = [Kept(tmp_path / f"{n}.png", "", f"=SUM({n})") for n in range(2)]
    session = Session(tmp_path / "visitor")
    with pytest.raises(InputError, match="at least two"):
        drawn(session)
    session.kept = tuple(kept)
    assert set(drawn(session)) == set(kept)
    for choice in ("a", "same"):
        logged(tmp_path / "deep" / "votes.csv", session, (kept[0], kept[1]), choice)
    header, first, second = (tmp_path / "deep" / "votes.csv").read_text().splitlines()
    assert header == ",".join(COLUMNS)
    assert ",a,'=SUM(0)," in first
    assert ",same," in second
    with pytest.raises(InputError, match="choice"):
        logged(tmp_path / "votes.csv", session, (kept[0], kept[1]), "both")

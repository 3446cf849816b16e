"""Widgets that are dragged: positions as weights; losses as curves."""

from __future__ import annotations

import pytest
from diffstyle_ui.widgets.corner_pad import corner_weights
from diffstyle_ui.widgets.loss_curve import loss_curve
from diffstyle_ui.widgets.style_map import NEIGHBOURS, weights_at
from hypothesis import given
from hypothesis import strategies as st

from diffstyle import StyleSpace

POSITIONS = st.floats(-1, 2, allow_subnormal=False)  # torch may have switched subnormal numbers off


@given(POSITIONS, POSITIONS)
def test_corner_weights_sum_to_one(x: float, y: float) -> None:
    weights = corner_weights(x, y)
    assert sum(weights) == pytest.approx(1)
    assert min(weights) >= 0
    assert corner_weights(1, 0) == (0, 1, 0, 0)


def test_a_position_on_the_map_mixes_its_neighbours() -> None:
    space = StyleSpace.presets()
    x, y = space.map()["neon"]
    assert weights_at(space, x, y) == {"neon": 1}
    between = weights_at(space, x - 0.05, y)
    assert sum(between.values()) == pytest.approx(1)
    assert len(between) == NEIGHBOURS
    assert max(between, key=lambda name: between[name]) == "neon"


def test_the_curve_shows_both_losses_and_stays_small() -> None:
    assert loss_curve([(1, 0.5)], []) == ""
    drawing = loss_curve([(n, 1 / n) for n in range(1, 2000)], [(500, 0.3), (1000, 0.2)])
    assert drawing.count("<polyline") == 2
    assert drawing.count("<circle") == 2
    assert "held-out pictures 0.200" in drawing
    assert len(drawing) < 20_000

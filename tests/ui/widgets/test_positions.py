"""Widgets that are dragged: positions as weights; losses as curves."""

from __future__ import annotations

from itertools import combinations

import pytest
from diffstyle_ui.widgets.corner_pad import corner_weights
from diffstyle_ui.widgets.loss_curve import loss_curve
from diffstyle_ui.widgets.style_map import APART, NEIGHBOURS, layout, weights_at
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
    x, y = layout(space)["neon"]
    assert weights_at(space, x, y) == {"neon": 1}
    between = weights_at(space, x - 0.05, y)
    assert sum(between.values()) == pytest.approx(1)
    assert len(between) == NEIGHBOURS
    assert max(between, key=lambda name: between[name]) == "neon"


def test_no_style_hides_another_on_the_map() -> None:
    space = StyleSpace.presets()
    places = layout(space)
    assert set(places) == set(space.map())
    assert all(-1 <= v <= 1 for place in places.values() for v in place)
    for one, other in combinations(places.values(), 2):
        assert any(abs(one[k] - other[k]) > 0.9 * APART[k] for k in (0, 1))
    moved = [abs(a - b) for name, place in space.map().items() for a, b in zip(place, places[name], strict=True)]
    assert sum(moved) / len(moved) < 0.12


def test_the_curve_shows_both_losses_and_stays_small() -> None:
    assert loss_curve([(1, 0.5)], []) == ""
    drawing = loss_curve([(n, 1 / n) for n in range(1, 2000)], [(500, 0.3), (1000, 0.2)])
    assert drawing.count("<polyline") == 2
    assert drawing.count("<circle") == 2
    assert "kept for checking: 0.200" in drawing
    assert len(drawing) < 20_000

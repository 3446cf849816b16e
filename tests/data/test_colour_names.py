"""Names of colours."""

from __future__ import annotations

import numpy as np
import pytest

from diffstyle.data.colour_names import COLOURS, SHADES, coverage


@pytest.mark.parametrize("name", COLOURS)
def test_a_flat_picture_is_its_colour(name: str) -> None:
    found = coverage(np.full((20, 30, 3), COLOURS[name], np.uint8))
    families = {name, *(family for family, shades in SHADES.items() if name in shades)}
    assert {n for n, share in found.items() if share > 0} == families
    assert all(found[n] == pytest.approx(1) for n in families)


def test_coverage_is_a_fraction_of_the_area() -> None:
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, :10] = COLOURS["red"]
    found = coverage(picture)
    assert found["red"] == pytest.approx(0.25)
    assert found["black"] == pytest.approx(0.75)

"""What lies under full transparency never changes what is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from diffstyle import Picture, Style, Stylizer
from diffstyle.core.settings import EngineSettings
from tests.helpers.pictures import waves
from tests.helpers.styles import suited


@pytest.mark.parametrize(
    "settings",
    [{}, {"colour": "match"}, {"colour": "keep"}, {"contrast": 2.0, "sharpness": 2.0}, {"size": 64}, {"stroke": 2.0}],
)
def test_hidden_colours_change_nothing_that_is_seen(
    settings: dict[str, Any], engine: EngineSettings, stylizer: Stylizer, painting: Style
) -> None:
    style = suited(engine, painting)
    array = np.dstack([waves(128, 96), np.zeros((96, 128), np.uint8)])
    array[24:72, 32:96, 3] = 255
    found: list[Picture] = []
    for colour in ((0, 0, 0), (255, 0, 255)):
        array[array[..., 3] == 0, :3] = colour
        found.append(stylizer.stylize(Picture.from_array(array), style, engine=engine, **settings).picture)
    alpha = found[0].alpha
    assert alpha is not None
    difference = (found[0].pixels - found[1].pixels)[:, alpha[0] > 0.01]
    assert float(difference.abs().max()) < 1 / 255

"""Variations of a render: they differ in more than the seed, within what the settings allow."""

from __future__ import annotations

import pytest
from diffstyle_ui.app.variations import variations
from diffstyle_ui.widgets.settings_form import RenderSettings

from diffstyle import Settings
from diffstyle.engines.registry import engine_names, settings_class


@pytest.mark.parametrize("engine", [None, *engine_names()])
def test_each_variation_has_another_look(engine: str | None) -> None:
    asked = RenderSettings(Settings(seed=5), settings_class(engine)() if engine else None, only="background")
    varied = [v.settings for v in variations(asked)]
    assert varied[0] == asked
    assert [v.settings.seed for v in varied] == [5, 6, 7, 8]
    assert len({(v.settings.stroke, v.settings.structure, v.settings.colour) for v in varied}) == 4
    assert {(v.engine, v.only) for v in varied} == {(asked.engine, "background")}


def test_variations_stay_within_the_settings() -> None:
    for settings in (Settings(stroke=4, structure=0, colour="keep"), Settings(stroke=0.1, structure=1)):
        for variation in variations(RenderSettings(settings)):
            changed = variation.settings.settings
            assert 0.1 <= (changed.stroke or 1) <= 4
            assert 0 <= changed.structure <= 1
    assert [v.label for v in variations(RenderSettings(Settings(colour="keep")))][-1] == "In the style's colours"

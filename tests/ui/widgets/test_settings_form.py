"""The settings form: every setting survives the way through the widgets."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from diffstyle_ui.widgets.settings_form import NEEDS, RenderSettings, form_values, read_form

from diffstyle import InputError, Settings
from diffstyle.core.fields import FieldInfo, fields_of
from diffstyle.engines.registry import engine_names, settings_class

ENGINE = next(n for n in engine_names() if not fields_of(settings_class(n)))


def other_value(info: FieldInfo) -> Any:
    """An allowed value that is not the default."""
    if info.choices:
        return next(c for c in info.choices if c != info.default)
    if info.kind is str:
        return "words"
    low, high = info.bounds or (0, 10)
    return info.kind(low + (high - low) / 4) if info.default != info.kind(low + (high - low) / 4) else info.kind(high)


def seeded_engine() -> str:
    return next(n for n in engine_names() if settings_class(n).capabilities.seeded)


def back(asked: RenderSettings) -> RenderSettings:
    values = form_values(asked)
    json.dumps(values)  # they are sent to the browser
    return read_form(values)


@pytest.mark.parametrize("info", fields_of(Settings), ids=lambda info: info.name)
def test_shared_settings_come_back(info: FieldInfo) -> None:
    engine = settings_class(seeded_engine())()
    asked = RenderSettings(Settings(**{info.name: other_value(info)}), engine)
    assert back(asked) == asked


@pytest.mark.parametrize("engine", engine_names())
def test_settings_of_engines_come_back(engine: str) -> None:
    cls = settings_class(engine)
    assert back(RenderSettings(Settings(), cls())) == RenderSettings(Settings(), cls())
    for info in fields_of(cls):
        try:
            own = cls(**{info.name: other_value(info)})
        except InputError:  # it also has to fit other settings
            continue
        asked = RenderSettings(Settings(), own, depth=16)
        assert back(asked) == asked


@pytest.mark.parametrize("engine", engine_names())
def test_settings_that_the_engine_does_not_honour_are_left_out(engine: str) -> None:
    asked = RenderSettings(Settings(structure=0.9, seed=7), settings_class(engine)())
    found = back(asked).settings
    for name, capability in NEEDS.items():
        honoured = getattr(settings_class(engine).capabilities, capability)
        assert getattr(found, name) == getattr(asked.settings if honoured else Settings(), name)


def test_the_choice_by_style_comes_back() -> None:
    asked = RenderSettings(Settings(structure=0.9, seed=7))
    assert back(asked) == asked


def test_values_of_other_engines_are_ignored() -> None:
    values = form_values(RenderSettings(Settings(), settings_class(ENGINE)()))
    broken = [*values[: len(fields_of(Settings)) + 3], *["nonsense"] * len(values[len(fields_of(Settings)) + 3 :])]
    assert fields_of(settings_class(ENGINE)) == ()
    assert read_form(broken) == read_form(values)


@pytest.mark.parametrize("depth", [0, 12, "many"])
def test_depth_is_8_or_16(depth: Any) -> None:
    with pytest.raises(InputError, match="depth is"):
        RenderSettings(Settings(), depth=cast("int", depth))

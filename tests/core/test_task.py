"""Settings and tasks: declared once, validated once."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Literal

import pytest

from diffstyle import Diffusion, InputError, Picture, Settings, Style, Stylizer, Task
from diffstyle.core.fields import MaxLength, Range, Section, fields_of, values_of
from diffstyle.core.settings import Capabilities, EngineSettings
from diffstyle.core.task import map_styles, resolve, settings_of, with_content


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch(EngineSettings):
    """An engine's settings of every kind.

    Parameters
    ----------
    rounds
        How often,
        in two lines.
    ink
        Which ink.
    words
        Some words.
    inks
        More inks.
    """

    name: ClassVar[str] = "scratch"
    title: ClassVar[str] = "Scratch"
    capabilities: ClassVar[Capabilities] = Capabilities()

    rounds: Annotated[int | None, Range(1, 9), Section("Strokes")] = 3
    ink: Literal["black", "blue"] = "black"
    words: Annotated[str, MaxLength(5)] = ""
    inks: tuple[str, ...] = ()


def test_a_setting_is_described_by_its_annotation_and_the_docstring() -> None:
    rounds, ink, words, inks = fields_of(Scratch)
    assert (rounds.kind, rounds.default, rounds.bounds, rounds.optional) == (int, 3, (1, 9), True)
    assert (rounds.help, rounds.section) == ("How often, in two lines.", "Strokes")
    assert (ink.kind, ink.choices, ink.optional) == (str, ("black", "blue"), False)
    assert (words.max_length, words.bounds, words.choices) == (5, None, ())
    assert (inks.kind, inks.several) == (str, True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"rounds": 0}, "rounds is 0: give a whole number from 1 to 9."),
        ({"rounds": "many"}, "rounds is 'many': give a whole number."),
        ({"rounds": 2.5}, "rounds is 2.5: give a whole number."),
        ({"ink": "red"}, "ink is 'red': give one of black, blue."),
        ({"ink": None}, "ink is None: give a value."),
        ({"rounds": True}, "rounds is True: give a whole number."),
        ({"words": 7}, "words is 7: give text."),
        ({"inks": "black"}, "inks is 'black': give a list."),
        ({"inks": 1}, "inks is 1: give a list."),
        ({"words": "too many"}, "words has 8 characters: give at most 5."),
    ],
)
def test_a_bad_value_gets_a_sentence(values: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError) as caught:
        Scratch(**values)
    assert str(caught.value) == expected


def test_numbers_become_plain_ones() -> None:
    import numpy as np

    made = Scratch(rounds=np.int64(4))  # pyright: ignore[reportArgumentType]
    assert type(made.rounds) is int
    assert values_of(made) == {"rounds": 4, "ink": "black", "words": "", "inks": ()}
    assert Scratch(rounds=None).rounds is None


@pytest.mark.parametrize(
    "bad",
    [
        {"strength": 1.01},
        {"strength": float("nan")},
        {"strength": float("inf")},
        {"size": 63},
        {"size": 8193},
        {"seed": -1},
        {"seed": 2**63},
        {"structure": 1.5},
        {"stroke": 0.0},
        {"colour": "blue"},
    ],
)
def test_shared_settings_out_of_range_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        Settings(**bad)


@pytest.mark.parametrize(
    "bad",
    [
        {"denoise": -0.1},
        {"start": "middle"},
        {"style_start": 0.7, "style_end": 0.3},
        {"steps": 0},
        {"guidance": 31},
        {"scheduler": "magic"},
        {"blend": "stir"},
        {"prompt": "x" * 2001},
        {"overlap": 80, "tile": 128},
    ],
)
def test_an_engines_settings_out_of_range_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        Diffusion(**bad)


def test_stylize_takes_exactly_the_fields_of_a_task() -> None:
    parameters = inspect.signature(Stylizer.stylize).parameters
    assert set(parameters) - {"self"} == {f.name for f in fields(Task)}
    for field in fields(Settings):
        assert parameters[field.name].default == field.default


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"style": "mosaic"}, "style is 'mosaic': give a Style, such as Style.from_text(\"mosaic\")."),
        ({"style": None}, 'style is None: give a Style, such as Style.from_text("mosaic").'),
        ({"negative_style": "neon"}, "negative_style is 'neon': give a Style, such as Style.from_text(\"neon\")."),
        ({"engine": 7}, "engine is 7: give the name of an engine, or its settings."),
        ({"engine": Scratch}, f"engine is {Scratch!r}: give the name of an engine, or its settings."),
        ({"regions": ["sky.png"]}, "regions[0] is not a region: give a pair of a mask and a style."),
        ({"regions": [("sky.png",)]}, "regions[0] is not a region: give a pair of a mask and a style."),
        ({"regions": "sky.png"}, "regions must be a list: give pairs of a mask and a style."),
        (
            {"regions": [("sky.png", "neon")]},
            "the style of regions[0] is 'neon': give a Style, such as Style.from_text(\"neon\").",
        ),
    ],
)
def test_a_task_refuses_what_it_cannot_use(painting: Style, bad: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError) as caught:
        Task(**dict[str, Any](content="photo.jpg", style=painting) | bad)
    assert str(caught.value) == expected


@pytest.mark.parametrize("value", [None, 7, [[0, 0]]])
def test_what_is_not_a_picture_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="as a picture: give a file"):
        Picture.of(value)


def test_a_resolved_task_has_pictures_of_one_size(photo: Picture, painting: Style) -> None:
    import numpy as np

    mask, where = np.full((20, 30), 255, np.uint8), np.zeros((20, 30), np.uint8)
    task = Task(photo, painting, strength=0.25, mask=mask, regions=[(where, Style.from_text("neon"))])
    resolved = resolve(task, Scratch(), lambda style: style)
    assert resolved.content == photo
    assert resolved.mask is not None
    assert resolved.mask.size == resolved.regions[0].mask.size == photo.size
    assert settings_of(resolved) == Settings(strength=0.25)
    assert [s.label for s in resolved.styles] == [painting.label, "neon"]
    half = with_content(resolved, photo.resized((64, 64)), lambda m: m.resized((64, 64)))
    assert half.regions[0].mask.size == (64, 64)
    assert map_styles(resolved, lambda _: painting).styles == [painting, painting]


def test_what_an_engine_cannot_honour_is_refused(photo: Picture, painting: Style) -> None:
    for asked in ({"structure": 0.7}, {"negative_style": painting}):
        task = Task(photo, painting, **asked)  # pyright: ignore[reportArgumentType]
        with pytest.raises(InputError, match="engine scratch"):
            resolve(task, Scratch(), lambda style: style)

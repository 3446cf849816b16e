"""Settings found by figures."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from PIL import Image

from diffstyle import InputError, Picture, Style, Stylizer
from diffstyle.evaluation.target import Target
from diffstyle.evaluation.tune import search
from diffstyle.formats.recipe import read_recipe
from tests.helpers.cli import run


def test_targets_are_read() -> None:
    target = Target.parse("content>=0.6, style=max,grain<=2")
    assert [(t.name, t.goal, t.limit) for t in target.terms] == [
        ("content", "max", 0.6),
        ("style", "max", None),
        ("grain", "min", 2.0),
    ]
    assert [t.missed(0.5) for t in target.terms] == pytest.approx([0.1, 0, 0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Cannot read"),
        ("content>0.6", "Cannot read"),
        ("content>=max", "write content=max"),
        ("content=0.6", "content>=0.6"),
        ("content=max, content>=0.5", "twice"),
        ("content>=0.5", "limits alone"),
        ("beauty=max", "no figure called"),
        ("time=min", "no figure of one picture"),
        ("artfid=min", "no figure of one picture"),
    ],
)
def test_other_targets_are_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Target.parse(text)


def test_the_best_keeps_the_limits_and_the_front_is_unbeaten() -> None:
    target = Target.parse("content>=0.6, style=max")
    found = [
        {"content": 0.9, "style": 0.1},
        {"content": 0.7, "style": 0.6},
        {"content": 0.5, "style": 0.9},
        {"content": 0.6, "style": 0.4},
    ]
    assert target.best(found) == 1
    assert target.front(found) == [0, 1, 2]
    assert target.best([{"content": 0.9, "style": math.nan}, *found]) == 2
    assert target.best([*found, {"content": 0.7, "style": math.inf}]) == 4
    assert target.best(found[2:3]) == 0  # none keeps the limit: the nearest
    assert Target.parse("content=max, style=max").best(found) == 1


def test_the_search_repeats_and_begins_with_the_defaults(
    stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    target = Target.parse("content>=0.5, style=max")

    def found(seed: int) -> list[tuple[object, ...]]:
        trials = search(stylizer, small_photo, painting, target, engine="adain", budget=4, size=64, seed=seed)
        return [(t.settings.strength, t.settings.stroke, t.settings.colour, *t.figures.values()) for t in trials]

    first = found(1)
    assert first == found(1)
    assert first != found(2)
    assert first[0][:3] == (1.0, 1.0, "off")
    assert len(set(first)) == 4
    assert max(float(str(t[4])) for t in first) > 0.05
    with pytest.raises(InputError, match=r"painting\.jpg"):
        search(stylizer, small_photo, Style.from_text("mosaic"), target, engine="adain", budget=2)


def test_the_command_writes_picture_sheet_and_trials(
    photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tuned.png"
    words = ("tune", photo_file, "--style", painting_file, "--engine", "adain", "--budget", 4, "--trial-size", 64)
    assert run(*words, "--target", "content>=2, style=max", "-o", out) == 0
    assert "No trial reached content>=2" in capsys.readouterr().err
    trials = json.loads((tmp_path / "tuned.trials.json").read_text())
    chosen = trials["trials"][trials["chosen"]]
    assert len(trials["trials"]) == 4
    assert trials["chosen"] in trials["front"]
    settings = read_recipe(out).settings
    assert (settings.strength, settings.colour) == (chosen["settings"]["strength"], chosen["settings"]["colour"])
    assert run("replay", out, "--content", photo_file, "-o", tmp_path / "again.png") == 0
    assert "identical" in capsys.readouterr().out
    with Image.open(tmp_path / "tuned.front.jpg") as sheet:
        assert sheet.width >= 3 * 64
    assert run("tune", photo_file, "--style", "neon", "-o", out) == 2
    assert run(*words, "-o", photo_file) == 2

"""A new engine is a folder and a line in the registry: API, command line, page and recipe find it by themselves."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import pytest

from diffstyle import InputError, Picture, Settings, Style, Stylizer, Task, read_recipe
from diffstyle.assets.hub import default_engine
from diffstyle.cli import main
from diffstyle.core.fields import Range, fields_of
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import Capabilities, EngineSettings
from diffstyle.core.task import ResolvedTask, resolve
from diffstyle.engines import registry
from diffstyle.engines.base import EngineHost, OnStep, report
from diffstyle.engines.registry import (
    Entry,
    default_engine_of,
    engine_from,
    engine_names,
    owners,
    settings_class,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterise(EngineSettings):
    """A scratch engine: fewer levels a channel.

    Parameters
    ----------
    levels
        How many levels a channel has.
    """

    name: ClassVar[str] = "posterise"
    title: ClassVar[str] = "Poster"
    capabilities: ClassVar[Capabilities] = Capabilities(structure=True)

    levels: Annotated[int, Range(2, 16)] = 4


class PosteriseEngine:
    capabilities = Posterise.capabilities
    weights: Mapping[str, str] = {}
    runtime: Mapping[str, str] = {"device": "cpu", "dtype": "float32", "threads": "1"}

    def measure(self, style: Style) -> Style:
        return style

    def prepare(self, task: Task) -> ResolvedTask:
        return resolve(task, task.engine if isinstance(task.engine, Posterise) else Posterise(), self.measure)

    def largest_side(self, task: ResolvedTask) -> int | None:
        del task
        return None

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        assert isinstance(task.engine, Posterise)
        report(on_step, 0, 1)
        steps, pixels = task.engine.levels - 1, task.content.pixels
        poster = pixels.lerp((pixels * steps).round() / steps, task.strength)
        report(on_step, 1, 1)
        return Picture(poster, task.content.alpha, task.content.source)


def load(host: EngineHost) -> PosteriseEngine:
    del host
    return PosteriseEngine()


@pytest.fixture(autouse=True)
def scratch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line."""
    monkeypatch.setitem(sys.modules, "scratch_engine", sys.modules[__name__])
    line = Entry("posterise", "scratch_engine:Posterise", "scratch_engine:load")
    monkeypatch.setattr(registry, "ENGINES", (*registry.ENGINES, line))


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return int(left.value.code or 0)


def test_python_finds_it(photo: Picture) -> None:
    stylizer = Stylizer.load(device="cpu")
    style = Style.from_text("poster")
    two = stylizer.stylize(photo, style, engine=Posterise(levels=2)).picture
    assert bool(((two.pixels == 0) | (two.pixels == 1)).all())
    assert stylizer.stylize(photo, style, engine="posterise", strength=0).picture == photo
    kept = stylizer.stylize(photo, style, engine="posterise", colour="keep", size=96)
    assert kept.picture.size == (96, 63)
    assert kept.measures["delta_e_content"] < 3


def test_the_command_line_finds_it(photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("stylize", "--engine", "posterise", "--help") == 0
    said = capsys.readouterr().out
    assert "Engine posterise" in said
    assert "How many levels a channel has, from 2 to 16." in said
    assert "--denoise" not in said
    out = tmp_path / "out.png"
    options = ["--style", "poster", "--engine", "posterise", "--levels", 3]
    assert command("stylize", photo_file, *options, "-o", out) == 0
    recipe = read_recipe(out)
    assert (recipe.engine, recipe.engine_values) == ("posterise", {"levels": 3})
    assert command("replay", out, "--content", photo_file) == 0
    assert "identical to" in capsys.readouterr().out


def test_the_command_line_says_whose_an_option_is(photo_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(photo_file.parent.iterdir())
    for options, expected in (
        (["--levels", 3], "--levels is an option of the engine posterise: add --engine posterise."),
        (["--levels", 99, "--engine", "posterise"], "levels is 99: give a whole number from 2 to 16."),
        (["--engine", "adain", "--structure", 0.9], "The engine adain has no control of structure"),
        (["--engine", "adain", "--negative-style", "neon"], "The engine adain cannot move away from a style"),
        (["--engine", "poster"], '"adain", "diffusion", "posterise"'),
    ):
        assert command("stylize", photo_file, "--style", "poster", *options) == 2
        said = capsys.readouterr().err
        assert expected in said
        assert said.count("\n") == 1
    assert set(photo_file.parent.iterdir()) == before


def test_settings_of_another_engine_are_refused() -> None:
    assert engine_names()[-1] == "posterise"
    assert owners("levels") == ("posterise",)
    with pytest.raises(InputError, match="has no setting steps: it belongs to diffusion"):
        engine_from("posterise", {"steps": 3})
    with pytest.raises(InputError, match="no engine has it"):
        engine_from("posterise", {"sparkle": 3})
    with pytest.raises(InputError, match="give one of"):
        engine_from("magic", {})


def test_each_model_says_what_paints() -> None:
    assert default_engine_of(ModelOptions()) == default_engine("starter")
    assert default_engine_of(ModelOptions(model="sd15")) == "diffusion"
    for options in (ModelOptions(lora=("a",)), ModelOptions(controlnet=("a",)), ModelOptions(adapter=("a",))):
        assert default_engine_of(options) == "diffusion"


def test_no_engine_uses_the_name_of_a_shared_setting() -> None:
    shared = {info.name for info in fields_of(Settings)}
    for name in engine_names():
        assert not shared & {info.name for info in fields_of(settings_class(name))}, name

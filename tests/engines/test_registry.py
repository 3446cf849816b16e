"""A new engine is a folder and a line in the registry: API, command line, page and recipe find it by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from diffstyle import InputError, Picture, Settings, Style, Stylizer, Task, read_recipe
from diffstyle.assets.hub import default_engine
from diffstyle.cli import main
from diffstyle.cli.stylize import chosen_engine
from diffstyle.core.fields import fields_of
from diffstyle.core.model_options import ModelOptions
from diffstyle.engines.registry import (
    default_engine_of,
    engine_from,
    engine_names,
    owners,
    settings_class,
)
from tests.helpers.inverting_engine import Inverting, registered


@pytest.fixture(autouse=True)
def scratch() -> Iterator[None]:
    """The one line in the registry."""
    with registered():
        yield


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return int(left.value.code or 0)


def test_python_finds_it(photo: Picture) -> None:
    stylizer = Stylizer.load(device="cpu")
    style = Style.from_text("poster")
    half = stylizer.stylize(photo, style, engine=Inverting(amount=0.5)).picture
    assert bool(torch.allclose(half.pixels, torch.tensor(0.5)))
    assert stylizer.stylize(photo, style, engine="inverting", strength=0).picture == photo
    kept = stylizer.stylize(photo, style, engine="inverting", colour="keep", size=96)
    assert kept.picture.size == (96, 63)
    assert kept.measures["delta_e_content"] < 3


def test_the_command_line_finds_it(photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("stylize", "--engine", "inverting", "--help") == 0
    said = capsys.readouterr().out
    assert "Engine inverting" in said
    assert "How much of the negative is mixed in, from 0 to 1." in said
    assert "--denoise" not in said
    out = tmp_path / "out.png"
    options = ["--style", "poster", "--engine", "inverting", "--amount", 0.25]
    assert command("stylize", photo_file, *options, "-o", out) == 0
    recipe = read_recipe(out)
    assert (recipe.engine, recipe.engine_values) == ("inverting", {"amount": 0.25, "steps": 2})
    assert command("replay", out, "--content", photo_file) == 0
    assert "identical to" in capsys.readouterr().out


def test_the_command_line_says_whose_an_option_is(photo_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(photo_file.parent.iterdir())
    for options, expected in (
        (["--amount", 0.25], "--amount is an option of the engine inverting: add --engine inverting."),
        (["--amount", 99, "--engine", "inverting"], "amount is 99.0: give a number from 0 to 1."),
        (["--engine", "adain", "--structure", 0.9], "The engine adain has no control of structure"),
        (["--engine", "adain", "--negative-style", "neon"], "The engine adain cannot move away from a style"),
        (["--engine", "poster"], ", ".join(f'"{name}"' for name in engine_names())),
    ):
        assert command("stylize", photo_file, "--style", "poster", *options) == 2
        said = capsys.readouterr().err
        assert expected in said
        assert said.removeprefix("diffstyle: reading the style\n").count("\n") == 1
    assert set(photo_file.parent.iterdir()) == before


def test_settings_of_another_engine_are_refused() -> None:
    assert engine_names()[-1] == "inverting"
    assert owners("amount") == ("inverting",)
    with pytest.raises(InputError, match="has no setting denoise: it belongs to diffusion"):
        engine_from("inverting", {"denoise": 0.3})
    with pytest.raises(InputError, match="no engine has it"):
        engine_from("inverting", {"sparkle": 3})
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


@pytest.mark.parametrize(
    ("prompts", "engine"),
    [
        ([["stained glass window"]], "media"),
        ([["halftone dots", "low poly"]], "media"),
        ([["watercolour"]], "nnst"),
        ([["stained glass", "watercolour"]], "media"),
        ([["stained glass", ""]], "media"),
        ([["stained glass"], ["watercolour"]], "nnst"),  # two regions
        ([["stained glass"], ["watercolour", "mosaic"]], "media"),
        ([[""]], "nnst"),
        ([], "nnst"),
    ],
)
def test_words_that_name_media_choose_the_engine_of_the_starter(prompts: list[list[str]], engine: str) -> None:
    assert default_engine_of(ModelOptions(), prompts=prompts) == engine
    assert default_engine_of(ModelOptions(model="sd15"), prompts=prompts) == "diffusion"
    assert default_engine_of(ModelOptions(lora=("mine",)), prompts=prompts) == "diffusion"


def test_a_style_in_words_is_drawn_by_rule(stylizer: Stylizer, small_photo: Picture) -> None:
    result = stylizer.stylize(small_photo, Style.from_text("mosaic"))
    assert result.task.engine.name == "media"
    assert stylizer.draft(Task(small_photo, Style.from_text("mosaic"))) is not None


@pytest.mark.parametrize(
    ("specs", "engine"),
    [
        (["-s", "stained glass"], "media"),
        (["-s", "stained glass:0.5", "--style", "text:halftone"], "media"),
        (["--style", "oil painting"], "nnst"),
        (["--style", "mosaic", "--region", "m.png=photo.png"], "nnst"),
        (["--style", "mosaic", "--engine", "adain"], "adain"),
    ],
)
def test_the_command_line_chooses_by_words(specs: list[str], engine: str) -> None:
    assert chosen_engine(["x.png", *specs]) == engine

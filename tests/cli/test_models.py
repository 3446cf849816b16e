"""Painting from the command line with models other than the plain starter, and with damaged ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffstyle import read_recipe
from diffstyle.assets.hub import default_engine
from diffstyle.assets.manifest import weights_folder
from tests.helpers import tiny
from tests.helpers.cli import run


def test_painting_with_a_folder_from_the_command_line(
    tiny_models: Path, photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    model = ["--model", tiny_models / "wordless", "--adapter", f"{tiny_models / 'wordless.adapter.safetensors'}:0.8"]
    settings = ["--steps", 3, "--seed", 4, "--structure", 0.7, "--device", "cpu", "--start", "preview"]
    style = ["--style", painting_file, "--negative-style", "charcoal", "--guidance", 2]
    assert run("stylize", photo_file, *model, *settings, *style, "-o", out) == 0
    recipe = read_recipe(out)
    assert recipe.engine == "diffusion"
    assert recipe.options.model == "wordless"
    assert recipe.negative_style is not None
    assert str(tiny_models) not in recipe.to_json()  # no private paths
    assert np.asarray(Image.open(out)).shape == (152, 232, 3)
    painting_file.unlink()  # the recipe needs photo and model alone
    assert run("replay", out, "--content", photo_file) == 2
    assert "wordless" in capsys.readouterr().err
    assert run("replay", out, "--content", photo_file, *model) == 0
    assert "identical to" in capsys.readouterr().out
    other = ["--model", tiny_models / "worded", "--adapter", tiny_models / "worded.adapter.safetensors"]
    assert run("replay", out, "--content", photo_file, *other, "-o", tmp_path / "other.png") == 2
    assert "other weights" in capsys.readouterr().err


def test_painting_with_a_single_file_from_the_command_line(
    tiny_models: Path, photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tiny.single_file(tmp_path / "model.safetensors", tiny_models / "worded")
    skipped = shutil.ignore_patterns("*.safetensors")
    shutil.copytree(tiny_models / "worded", tmp_path / "model", ignore=skipped)
    out = tmp_path / "out.png"
    command = ["stylize", photo_file, "--style", "ukiyo-e woodblock print", "--model", path, "--steps", 2, "-o", out]
    assert run(*command) == 0
    assert read_recipe(out).options.model == "model.safetensors"
    command = ["stylize", photo_file, "--style", photo_file, "--model", path, "--steps", 2]
    assert run(*command, "-o", tmp_path / "drafted.png") == 0  # the painter's draft carries a style in pictures
    assert read_recipe(tmp_path / "drafted.png").engine_values["start"] == "painter"
    assert run(*command, "--start", "content", "-o", tmp_path / "x.png") == 2
    assert "--adapter" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()


def test_an_interrupted_render_leaves_nothing(
    tiny_models: Path,
    photo_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(_: object, done: int, *__: object) -> None:
        if done == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr("diffstyle.engines.diffusion.engine.report", interrupt)
    (tmp_path / "out").mkdir()
    command = ["stylize", photo_file, "--style", "text:charcoal", "--model", tiny_models / "worded", "--steps", 2]
    assert run(*command, "-o", tmp_path / "out" / "x.png") == 130
    assert "nothing half written" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_the_starter_paints_by_its_own_engine_unless_told_otherwise(
    photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("stylize", photo_file, "--style", "ukiyo-e", "-o", tmp_path / "x.png") == 0
    assert read_recipe(tmp_path / "x.png").engine == default_engine("starter")
    out = tmp_path / "y.png"
    adapter = ["--engine", "diffusion", "--steps", "2", "--adapter", "starter:0.5"]
    assert run("stylize", photo_file, "--style", "ukiyo-e", *adapter, "-o", out) == 0
    recipe = read_recipe(out)
    assert (recipe.engine, recipe.engine_values["start"], recipe.options.model) == ("diffusion", "painter", "starter")
    assert any(name.startswith("unet/") for name in recipe.weights)
    assert run("replay", out, "--content", photo_file, "-o", tmp_path / "again.png") == 0
    assert "identical" in capsys.readouterr().out


def test_damaged_starter_weights_get_a_sentence(
    photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(weights_folder(), weights)
    unet = next((weights / "starter" / "diffusion" / "unet").glob("*.safetensors"))
    unet.write_bytes(unet.read_bytes()[:-1])
    monkeypatch.setenv("DIFFSTYLE_WEIGHTS", str(weights))
    command = ["stylize", photo_file, "--style", "mosaic", "--engine"]
    assert run(*command, "diffusion", "-o", tmp_path / "x.png") == 2
    assert "is damaged" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()
    assert run(*command, "adain", "-o", tmp_path / "x.png") == 0

"""The command line: what it writes, what it says, how it ends."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from PIL import Image

from diffstyle import Style, Stylizer, read_recipe
from diffstyle.assets.zoo import named_style, style_files
from diffstyle.cli import main
from diffstyle.cli.stylize import chosen_engine
from diffstyle.core.model_options import ModelOptions
from diffstyle.engines.registry import default_engine_of
from tests.conftest import waves
from tests.helpers.bad_files import BAD_FILES


def run(*arguments: object) -> int:
    """Exit code of the command, in this process."""
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments])
    return int(caught.value.code or 0)


def lines(said: str) -> int:
    """How many lines, but for the first ones, which say what is being done."""
    first = ("diffstyle: reading the style", "diffstyle: painting ")
    return sum(not line.startswith(first) for line in said.splitlines())


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_replay_repeats_the_picture(
    suffix: str, photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"out.{suffix}"
    options = ["--strength", 0.8, "--size", 100, "--seed", 7]
    blend = ["--style", f"{painting_file}:0.6", "--style", "klimt-gold:0.4"]
    assert run("stylize", photo_file, *blend, *options, "-o", out) == 0
    assert read_recipe(out).settings.seed == 7
    painting_file.unlink()  # the recipe needs the photo alone
    assert run("replay", out, "--content", photo_file) == 0
    assert "identical to" in capsys.readouterr().out
    again = tmp_path / f"out.replay.{suffix}"
    assert again.read_bytes() == out.read_bytes()
    assert np.asarray(Image.open(again)).shape == (66, 100, 3)


def test_replay_refuses_another_photo(
    photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    run("stylize", photo_file, "--style", painting_file, "-o", out)
    assert run("replay", out, "--content", painting_file) == 2
    assert "photo.png" in capsys.readouterr().err
    assert not (tmp_path / "out.replay.png").exists()


def test_replay_keeps_threads_and_dtype(photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    import torch

    out = tmp_path / "out.png"
    stylizer = Stylizer.load(device="cpu", dtype=torch.float32)
    strength, seed = cast("float", np.float32(0.5)), cast("int", np.int64(3))  # as they come out of arrays
    stylizer.stylize(photo_file, Style.from_image(painting_file), strength=strength, seed=seed).save(out)
    renamed = photo_file.rename(tmp_path / "renamed.png")
    done = command("replay", out, "--content", renamed, OMP_NUM_THREADS="1")
    assert "identical to" in done.stdout
    assert done.returncode == 0
    assert (tmp_path / "out.replay.png").read_bytes() == out.read_bytes()
    assert str(tmp_path) not in read_recipe(out).to_json()  # no private paths


def test_inputs_are_never_overwritten(photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    before = {p: p.read_bytes() for p in (photo_file, painting_file)}
    style = ["--style", f"{painting_file}:1"]
    assert run("stylize", photo_file, *style, "-o", photo_file) == 2
    assert run("stylize", photo_file, "--style", "klimt-gold", "--style", photo_file, "-o", photo_file) == 2
    assert run("stylize", painting_file, "--style", photo_file, "-o", photo_file) == 2
    assert run("stylize", photo_file, *style, "-o", f"{tmp_path}/", "--overwrite") == 1
    out = tmp_path / "x" / "out.png"
    out.parent.mkdir()
    assert run("stylize", photo_file, *style, "-o", out) == 0
    assert run("replay", out, "--content", photo_file, "-o", photo_file) == 2
    assert run("replay", out, "--content", photo_file, "-o", out) == 2
    assert before == {p: p.read_bytes() for p in before}


def test_a_new_folder_for_one_photo(photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    assert run("stylize", photo_file, "--style", painting_file, "-o", f"{tmp_path}/new/") == 0
    assert files(tmp_path / "new") == {"photo.png"}


def test_too_large_for_the_format(painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(waves(16_400, 16)).save(tmp_path / "long.png")
    assert run("stylize", tmp_path / "long.png", "--style", painting_file, "-o", tmp_path / "out.webp") == 2
    assert "16383" in capsys.readouterr().err


def test_json(photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.png"
    assert run("stylize", photo_file, "--style", painting_file, "-o", out, "--json") == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["out"], line["width"], line["height"]) == (str(out), 232, 152)


def test_out_has_a_default(photo_file: Path, painting_file: Path) -> None:
    assert run("stylize", photo_file, "--style", painting_file) == 0
    assert photo_file.with_name("photo.styled.png").exists()


def test_a_folder_of_photos(
    photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = [photo_file, tmp_path / "two.jpg", tmp_path / "bad.jpg", tmp_path / "missing.jpg"]
    Image.fromarray(waves(64, 48)).save(photos[1])
    photos[2].write_text("no picture")
    out = tmp_path / "out"
    command = ["stylize", *photos, "--style", painting_file, "-o", f"{out}/"]
    assert run(*command) == 1
    said = capsys.readouterr().err
    assert "2 painted, 0 already there, 2 failed" in said
    assert "bad.jpg" in said
    assert "missing.jpg" in said
    assert files(out) == {"photo.png", "two.png"}
    before = (out / "two.png").stat().st_mtime_ns
    assert run(*command) == 1
    assert "0 painted, 2 already there, 2 failed" in capsys.readouterr().err
    assert (out / "two.png").stat().st_mtime_ns == before
    other = [*command, "--strength", 0.5]
    assert run(*other) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert (out / "two.png").stat().st_mtime_ns == before
    assert run(*other, "--overwrite") == 1
    assert read_recipe(out / "two.png").settings.strength == 0.5


def test_same_names_do_not_overwrite_each_other(photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    twin = tmp_path / "photo.webp"
    Image.fromarray(waves(64, 48)).save(twin)
    assert run("stylize", photo_file, twin, "--style", painting_file, "-o", tmp_path / "out") == 0
    assert files(tmp_path / "out") == {"photo.png.png", "photo.webp.png"}
    (tmp_path / "b").mkdir()
    other = tmp_path / "b" / "photo.png"
    Image.fromarray(waves(64, 48)).save(other)
    assert run("stylize", photo_file, other, "--style", painting_file, "-o", tmp_path / "out2") == 2


@pytest.mark.parametrize("name", BAD_FILES)
@pytest.mark.parametrize("place", ["content", "style"])
def test_bad_pictures(
    name: str, place: str, photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / name
    bad.write_bytes(BAD_FILES[name][0])
    content, style = (bad, painting_file) if place == "content" else (photo_file, bad)
    before = files(tmp_path)
    assert run("stylize", content, "--style", style, "-o", tmp_path / "out.png") == 2
    said = capsys.readouterr().err
    assert str(bad) in said
    assert lines(said) == 1
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--strength", "1.5"], "strength is 1.5"),
        (["--strength", "nan"], "strength is nan"),
        (["--strength", "much"], "strength"),
        (["--size", "3"], "size is 3"),
        (["--seed", "-1"], "seed"),
        (["--engine", "magic"], "engine"),
        (["--colour", "blue"], "--colour"),
        (["-o", "out.bmp"], ".png, .jpg, .webp or .tif"),
        (["-o", "/nowhere/at/all.png"], "no such file or folder"),
        (["-o", "/proc/out.png"], "write /proc/out.png"),
        (["--style", "x.jpg:-2"], "0 or more"),
        (["--style", "a very long prompt " * 40], "too long"),
        (["--style", "word " * 10_000], "at most 1000"),
        (["--style", " "], "empty"),
        (["--style", ""], "empty"),
        (["--style", "🎨"], "no words"),
        (["--style", "text:"], "empty"),
        (["--style", "preset:zzzzzzzz"], "style list"),
        (["--style", "sketches/mine"], "no such file"),
    ],
)
def test_bad_options(
    options: list[str],
    expected: str,
    photo_file: Path,
    painting_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = files(tmp_path)
    assert run("stylize", photo_file, "--style", painting_file, *options) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.startswith("diffstyle: ")
    assert lines(said) == 1
    assert files(tmp_path) == before


def test_several_photos_need_a_folder(photo_file: Path, painting_file: Path) -> None:
    assert run("stylize", photo_file, photo_file, "--style", painting_file) == 2
    assert run("stylize", photo_file, painting_file, "--style", painting_file, "-o", photo_file / "x") == 2


def test_animations_are_mentioned(painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = [Image.fromarray(waves(64, 48, seed=n)) for n in (1, 2)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert run("stylize", tmp_path / "moving.gif", "--style", painting_file, "-o", tmp_path / "out.png") == 0
    assert "only its first frame" in capsys.readouterr().err


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "diffstyle", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )


def test_full_disk(photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(b"what was there before")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limit[1]))  # inherited: no file may grow past 4 KB
    try:
        done = command("stylize", photo_file, "--style", painting_file, "-o", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert done.returncode == 2
    assert f"Cannot write {out}" in done.stderr
    assert out.read_bytes() == b"what was there before"
    assert files(tmp_path) == {"out.png", "photo.png", "painting.jpg"}


@pytest.mark.parametrize("damage", ["truncated", "changed", "missing", "pickle", "manifest"])
def test_damaged_weights(damage: str, photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    import shutil

    from diffstyle.assets.manifest import weights_folder

    folder = tmp_path / "weights"
    shutil.copytree(weights_folder(), folder)
    path = folder / "starter" / "preview" / "preview.safetensors"
    data = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(data[:-100])
    elif damage == "changed":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif damage == "missing":
        path.unlink()
    elif damage == "pickle":
        path.write_bytes(b"\x80\x04" + data[2:])
    else:
        (folder / "manifest.toml").write_text("[[file]]\nname = 3")
    done = command(
        "stylize", photo_file, "--style", painting_file, "-o", tmp_path / "out.png", DIFFSTYLE_WEIGHTS=str(folder)
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert str(folder) in done.stderr
    assert not (tmp_path / "out.png").exists()


def test_styles_are_listed_and_made(
    photo_file: Path, painting_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("style", "list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 32
    assert any("van-gogh-starry-night" in line and "1889" in line for line in lines)
    assert any("stained glass" in line for line in lines[: lines.index("Named styles")])
    own = tmp_path / "own.style.safetensors"
    assert run("style", "make", painting_file, "munch-scream:0.5", "-o", own, "--name", "own") == 0
    assert run("stylize", photo_file, "--style", own, "-o", tmp_path / "out.png") == 0
    assert read_recipe(tmp_path / "out.png").style.name == "own"
    assert run("style", "make", painting_file, "-o", tmp_path / "own.png") == 2
    assert run("style", "make", "-o", tmp_path / "none.style.safetensors") == 2
    options = ["--text", "dark woodcut:2", "--image", painting_file, "-o", tmp_path / "two.style.safetensors"]
    assert run("style", "make", *options) == 0
    made = Style.load(tmp_path / "two.style.safetensors")
    assert made.prompt == "dark woodcut"
    assert sorted(r.weight for r in made.references) == pytest.approx([1 / 3, 2 / 3])
    assert made.space.startswith("starter-")
    assert run("style", "mix", own, "mosaic:0.4", "-o", tmp_path / "mixed.style.safetensors") == 0
    assert run("style", "mix", own, "-o", tmp_path / "mixed.style.safetensors") == 2
    assert run("style", "make", "mosaic", "-o", tmp_path / "mosaic.ipadpt") == 0
    bare = tmp_path / "mosaic.ipadpt"
    assert run("stylize", photo_file, "--style", bare, "-o", tmp_path / "bare.png") == 0


def test_styles_are_shown_and_compared(
    painting_file: Path, photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("style", "show", "mosaic") == 0
    assert "rendered here" in capsys.readouterr().out
    assert run("style", "show", "dark blue stained glass") == 0
    assert "confidence" in capsys.readouterr().out
    assert run("style", "nearest", "mosaic of tiles", "-k", 2) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert run("style", "nearest", painting_file) == 0
    capsys.readouterr()
    strip = tmp_path / "strip.png"
    assert run("style", "path", "mosaic", "charcoal drawing", "-n", 3, "--size", 96, "-o", strip) == 0
    with Image.open(strip) as image:
        assert image.size == (3 * 96, 64)
    before = files(tmp_path)
    for bad in (["-n", 1], ["--content", tmp_path / "none.jpg"], ["-o", tmp_path / "strip.bmp"]):
        assert run("style", "path", "mosaic", "charcoal", "-o", tmp_path / "other.png", *bad) == 2
    assert run("style", "path", "mosaic", photo_file, "-o", photo_file) == 2
    assert files(tmp_path) == before


def test_words_paint_and_replay(photo_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.png"
    assert run("stylize", photo_file, "--style", "ukiyo-e woodblock print, indigo and cream", "-o", out) == 0
    assert "hardly knows" not in capsys.readouterr().err
    assert read_recipe(out).style.prompt == "ukiyo-e woodblock print, indigo and cream"
    assert run("replay", out, "--content", photo_file) == 0
    assert "identical to" in capsys.readouterr().out
    assert run("stylize", photo_file, "--style", "qwertz asdfg hjkl", "-o", out) == 0
    said = capsys.readouterr().err
    assert "hardly knows 'qwertz asdfg hjkl'" in said
    assert lines(said) == 1


@pytest.mark.parametrize("name", style_files())
def test_named_styles_are_painted_by_the_engine_that_python_takes(name: str) -> None:
    prompts = named_style(name).prompts
    assert chosen_engine(["photo.jpg", "--style", name]) == default_engine_of(ModelOptions(), prompts=[prompts])


def test_words_that_name_a_medium_and_styles_that_carry_them_choose_its_engine(painting_file: Path) -> None:
    for style, engine in (
        ("neon", "media"),
        ("a linocut", "media"),
        ("van-gogh-irises", "nnst"),
        (painting_file, "nnst"),
    ):
        assert chosen_engine(["photo.jpg", "--style", str(style)]) == engine

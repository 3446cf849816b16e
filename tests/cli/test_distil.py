"""`diffstyle distil`: from a phrase to a picture that the student painted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from diffstyle import Picture, read_recipe
from diffstyle.assets.students import STUDENTS_VARIABLE
from tests.helpers.cli import run
from tests.helpers.clips import moving, read_arrays, write_clip
from tests.helpers.students import STYLES, random_student, students_home

QUICK = ["--size", "tiny", "--steps", 3, "--examples", 2, "--crop", 64, "--batch", 2]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where students and examples are kept, small ones for speed."""
    return students_home(tmp_path, monkeypatch)


def test_from_a_phrase_to_a_picture(
    home: Path, photo_file: Path, painting_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    styles = ["--style", "halftone", "--style", painting_file]
    assert run("distil", *styles, "--name", "fast", *QUICK) == 0
    said = capsys.readouterr()
    assert "It paints: halftone, painting." in said.out
    assert '--engine feedforward --student fast --style "halftone"' in said.out
    assert "the photos of scikit-image" in said.err
    out, other = home / "out.png", home / "other.png"
    paint = ["--engine", "feedforward", "--student", "fast"]
    assert run("stylize", photo_file, *paint, "--style", "halftone:0.7", "--style", "painting:0.3", "-o", out) == 0
    assert run("stylize", photo_file, *paint, "--style", painting_file, "-o", other) == 0
    assert Picture.open(out) != Picture.open(other)
    recipe = read_recipe(out)
    assert (recipe.engine, recipe.engine_values) == ("feedforward", {"student": "fast"})
    capsys.readouterr()
    assert run("replay", out, "--content", photo_file) == 0
    assert "identical to" in capsys.readouterr().out
    assert run("stylize", photo_file, *paint, "--style", "watercolour", "-o", home / "no.png") == 2
    assert "does not paint 'watercolour': it was trained on halftone, painting." in capsys.readouterr().err
    assert not (home / "no.png").exists()


def test_photos_and_a_folder_of_ones_own(
    home: Path, photo_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = home / "own"
    command = ["distil", "--style", "one-bit", "--name", "mine", "--photos", photo_file.parent, "--out", own, *QUICK]
    assert run(*command, "--json") == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert (report["styles"], report["steps"], report["folder"]) == (["one-bit"], 3, str(own / "mine"))
    assert "scikit-image" not in said.err
    out = home / "out.png"
    monkeypatch.setenv(STUDENTS_VARIABLE, str(own))
    assert run("stylize", photo_file, "--engine", "feedforward", "--student", "mine", "-s", "one-bit", "-o", out) == 0
    assert run(*command) == 2
    assert "There is a student called mine" in capsys.readouterr().err


def test_a_student_is_pruned_and_goes_on_with_other_styles(
    home: Path, photo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "students").mkdir()
    random_student(home / "students" / "whole.safetensors")
    styles = ["--style", STYLES[0], "--style", "one-bit", "--photos", photo_file.parent]
    command = ["distil", "--from", "whole", "--prune", 0.4, *styles, "--name", "less", *QUICK[2:], "--json"]
    assert run(*command) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["size"], report["start"]) == ("tiny", "whole, without 40% of its channels")
    assert report["parameters"] < 40_000
    assert "begun with whole" in (home / "students" / "less" / "CARD.md").read_text("utf-8")
    assert run("student", "list") == 0
    assert "tiny, pruned" in capsys.readouterr().out
    out = home / "out.png"
    paint = ["--engine", "feedforward", "--student", "less"]
    assert run("stylize", photo_file, *paint, "--style", "one-bit", "-o", out) == 0
    assert Picture.open(out) != Picture.open(photo_file)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--style", "halftone", "--style", "Halftone", "--name", "x"], "Two styles are called Halftone"),
        (["--style", "no-such-file.jpg", "--name", "x"], "there is no such file"),
        (["--style", "halftone", "--name", "x/y"], "is not a valid name"),
        (["--style", "halftone", "--name", "x", "--minutes", 0], "minutes is 0.0"),
        (["--style", "halftone", "--name", "x", "--size", "huge"], "tiny"),
        (["--style", "halftone", "--name", "x", "--prune", 0.3], "name it with --from"),
        (["--style", "halftone", "--name", "x", "--from", "starter", "--prune", -1], "prune is -1"),
        (["--style", "halftone", "--name", "x", "--from", "none"], "There is no student called 'none'"),
    ],
)
def test_what_cannot_be_taught_gets_a_sentence(
    arguments: list[object], said: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("distil", *arguments) == 2
    assert said in capsys.readouterr().err
    assert not (home / "cache").exists()


def test_styles_are_chosen_by_their_numbers(home: Path, photo_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "students").mkdir()
    random_student(home / "students" / "mine.safetensors")
    paint = ["stylize", photo_file, "--engine", "feedforward", "--student", "mine"]
    outs = [home / f"{n}.png" for n in range(3)]
    assert run(*paint, "--style", "2:0.7,1:0.3", "-o", outs[0]) == 0
    assert run(*paint, "--style", f"{STYLES[1]}:0.7", "--style", f"{STYLES[0]}:0.3", "-o", outs[1]) == 0
    assert run(*paint, "--style", "2", "-o", outs[2]) == 0
    assert Picture.open(outs[0]) == Picture.open(outs[1])
    assert Picture.open(outs[0]) != Picture.open(outs[2])
    assert read_recipe(outs[2]).style.prompt == STYLES[1]
    capsys.readouterr()
    assert run(*paint, "--style", "4", "-o", home / "no.png") == 2
    assert f"There is no style 4 in '4': the student paints 1 {STYLES[0]}, 2" in capsys.readouterr().err
    assert run("stylize", photo_file, "--style", "2", "--engine", "adain", "-o", home / "no.png") == 2
    assert "no words" in capsys.readouterr().err


def test_regions_and_keyframes_take_numbers(
    home: Path, photo_file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    Path("students").mkdir()
    random_student(Path("students/mine.safetensors"))
    photo = Picture.open(photo_file)
    Picture(torch.ones_like(photo.pixels)).to_pil().save("all.png")
    student = ["--engine", "feedforward", "--student", "mine"]
    styled = [*student, "--style", "2:0.7,1:0.3"]
    paint = ["stylize", photo_file, *student]
    assert run("stylize", photo_file, *styled, "-o", "whole.png") == 0
    assert run(*paint, "--region", "all.png=2:0.7,1:0.3", "-o", "region.png") == 0
    assert run(*paint, "--region", "rest=2:0.7,1:0.3", "-o", "rest.png") == 0
    assert Picture.open("whole.png") == Picture.open("region.png") == Picture.open("rest.png")
    assert run(*paint, "--region", "all.png=4", "-o", "no.png") == 2
    assert "There is no style 4 in '4'" in capsys.readouterr().err

    write_clip(Path("a.mp4"), [moving(n) for n in range(4)])
    clip = ["video", "a.mp4", *student, "--steady", 0, "--codec", "ffv1"]
    assert run(*clip, "--keyframes", "0s: 2:0.7,1:0.3, 0.2s: 1", "-o", "keyed.mkv") == 0
    for spec, out in (("2:0.7,1:0.3", "first.mkv"), ("1", "last.mkv")):
        assert run(*clip, "--style", spec, "-o", out) == 0
    keyed, first, last = (read_arrays(Path(f"{name}.mkv")) for name in ("keyed", "first", "last"))
    assert np.array_equal(keyed[0], first[0])
    assert np.array_equal(keyed[3], last[3])
    assert not np.array_equal(first[0], last[0])
    assert run(*clip, "--keyframes", "0s: 1, 1s: 4", "-o", "no.mkv") == 2
    assert "There is no style 4 in '4'" in capsys.readouterr().err


def test_a_file_is_no_number_and_a_folder_is_no_file(
    home: Path, photo_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "students").mkdir()
    random_student(home / "students" / "mine.safetensors")
    (home / "1").mkdir()
    shutil.copyfile(photo_file, home / "2")
    monkeypatch.chdir(home)
    paint = ["stylize", photo_file, "--engine", "feedforward", "--student", "mine", "--style"]
    assert run(*paint, "1", "-o", "out.png") == 0
    capsys.readouterr()
    assert run(*paint, "2:0.7", "-o", "no.png") == 2, "a picture that the student was not trained on"
    assert "does not paint" in capsys.readouterr().err
    assert run(*paint, ",".join(["2"] * 151), "-o", "no.png") == 2
    assert "unexpected" not in capsys.readouterr().err


def test_students_are_listed_with_their_styles(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / "students"
    folder.mkdir()
    random_student(folder / "mine.safetensors")
    (folder / "broken.safetensors").write_bytes(b"nothing")
    assert run("student", "list") == 0
    said = capsys.readouterr().out.splitlines()
    at = next(n for n, line in enumerate(said) if line.startswith("mine"))
    assert "tiny" in said[at]
    assert "yours" in said[at]
    assert [line.split(maxsplit=1) for line in said[at + 1 : at + 1 + len(STYLES)]] == [
        [str(n), style] for n, style in enumerate(STYLES, 1)
    ]
    assert any(line.startswith("starter") and "comes with diffstyle" in line for line in said)
    assert any(line.startswith("broken") and "Cannot" in line for line in said)
    assert said[-1] == f"Yours are in {folder}."

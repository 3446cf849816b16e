"""Files of the command line: what is never written over, where results go, and what one bad file does to a folder."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffstyle import read_recipe
from tests.helpers.cli import run
from tests.helpers.pictures import waves
from tests.helpers.quick import engines_by_code, quick_options
from tests.helpers.styles import suited_specs

LOOK = ("--style", "neon", "--engine", "adain")


def picture(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(waves(64, 48, seed=seed)).save(path)
    return path


def kept(*paths: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in paths}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The journal of finished pictures, and the folder in which the test runs."""
    monkeypatch.setenv("DIFFSTYLE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "w").mkdir()
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "cache"


@pytest.mark.parametrize("link", ["", "symbolic", "hard", "folder"])
def test_no_option_writes_over_what_is_read(link: str, capsys: pytest.CaptureFixture[str]) -> None:
    photo, style, mask = picture(Path("scan.tif")), picture(Path("style.png"), 1), picture(Path("m.png"), 2)
    Image.fromarray(np.full((48, 64), 255, np.uint8)).save(mask)
    layer = picture(Path("lay/0-content.png"), 3)
    before = kept(photo, style, mask, layer)
    names = {p: p for p in before}
    if link == "folder":
        Path("other").symlink_to(Path.cwd())
        names = {p: Path("other") / p for p in before}
    elif link:
        for p in before:
            names[p] = p.with_name(f"link-{p.name}") if p != layer else Path("lay/1-style.png")
            names[p].symlink_to(p.absolute()) if link == "symbolic" else names[p].hardlink_to(p)
    tries = [
        *[(photo, "-o", names[photo]), (photo, "--layers", names[photo], "-o", "out.png")],
        *[(layer, "--layers", names[layer].parent, "-o", "out.png"), (photo, "--layers", "b.tif", "-o", "b.tif")],
        *[(photo, "-o", names[style], "--style", style), (photo, "-o", names[mask], "--mask", mask)],
        *[
            (photo, "-o", names[mask], "--only", f"scribble:{mask}"),
            (photo, "-o", names[mask], "--region", f"{mask}=neon"),
        ],
    ]
    for words in tries:
        assert run("stylize", *LOOK, *words) == 2, words
        assert "Cannot write" in capsys.readouterr().err, words
        assert kept(*before) == before
        assert not Path("out.png").exists()
        assert not Path("b.tif").exists()


def test_photos_of_one_stem_do_not_share_the_default_name(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = picture(Path("photo.jpg")), picture(Path("photo.png"), 1)
    assert run("stylize", one, *LOOK) == 0
    first = Path("photo.styled.png").read_bytes()
    assert run("stylize", other, *LOOK) == 2
    assert "not made from photo.png" in capsys.readouterr().err
    assert Path("photo.styled.png").read_bytes() == first
    assert run("stylize", one, *LOOK) == 0
    assert run("stylize", other, *LOOK, "--overwrite") == 0


def test_several_photos_need_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    one, other = picture(Path("a.jpg")), picture(Path("b.jpg"), 1)
    assert run("stylize", one, other, *LOOK, "-o", "result.png") == 2
    assert run("stylize", one, other, *LOOK, "-o", "out/", "--layers", "l.tif") == 2
    assert not Path("result.png").exists()
    assert not Path("l.tif").exists()
    assert "folder" in capsys.readouterr().err


def test_one_bad_file_never_stops_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.jpg", "z.jpg", "[artist] title [abc].jpg", "b.jpg"):
        picture(Path("in") / name)
    (Path("in") / "b.jpg").write_bytes(Path("in/a.jpg").read_bytes()[:300])
    (Path("in") / "c.avif").write_bytes(b"\0\0\0\x20ftypavif" + bytes(80))
    (Path("in") / "notes.txt").write_text("not a picture")
    assert run("stylize", "in/", *LOOK, "-o", "out/") == 1
    assert sorted(p.name for p in Path("out").iterdir()) == ["[artist] title [abc].png", "a.png", "z.png"]
    errors = capsys.readouterr().err
    assert "3 painted, 0 already there, 2 failed." in errors
    assert "unexpected" not in errors
    assert run("stylize", *sorted(Path("in").glob("*[[]*")), "in/a.jpg", *LOOK, "-o", "out/") == 0


def test_folders_are_searched(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.jpg", "sub/a.jpg", "sub/deep/b.png", ".hidden/c.png"):
        picture(Path("in") / name)
    assert run("stylize", "in", *LOOK, "-o", "in/out") == 0
    assert [str(p) for p in Path("in/out").rglob("*.png")] == ["in/out/a.png"]
    assert run("stylize", "in", *LOOK, "-o", "in/out", "--recursive", "--layers", "lay") == 0
    assert sorted(str(p) for p in Path("in/out").rglob("*.png")) == [
        *("in/out/a.png", "in/out/sub/a.png", "in/out/sub/deep/b.png")
    ]
    Path("empty").mkdir()
    assert run("stylize", "empty", *LOOK, "-o", "out/") == 2
    assert "no pictures" in capsys.readouterr().err


def test_finished_pictures_are_seen_without_opening_them(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    for n in range(4):
        picture(Path(f"in/{n}.jpg"), n)
    assert run("stylize", "in", *LOOK, "-o", "out") == 0
    capsys.readouterr()

    def counts() -> str:
        assert run("stylize", "in", *LOOK, "-o", "out") in (0, 1)
        return next(line for line in capsys.readouterr().err.splitlines() if "already there" in line)

    def opened(*_: object) -> bool:
        pytest.fail("a file was opened")

    with monkeypatch.context() as patch:
        patch.setattr("diffstyle.cli.stylize.is_done", opened)
        assert counts() == "0 painted, 4 already there, 0 failed."
    for path in own_cache.rglob("*.jsonl"):
        path.unlink()
    assert counts() == "0 painted, 4 already there, 0 failed."
    picture(Path("in/1.jpg"), 9)
    assert counts() == "0 painted, 3 already there, 1 failed."
    assert run("stylize", "in", "--style", "charcoal", "--engine", "adain", "-o", "out") == 1


@pytest.mark.parametrize("style", ["ukiyo-e", "halftone"], ids=["painted", "drawn"])
@pytest.mark.parametrize("engine", engines_by_code())
def test_a_finished_picture_says_itself_what_made_it(
    engine: str, style: str, capsys: pytest.CaptureFixture[str], own_cache: Path
) -> None:
    """Also what painted a draft for it; so that it is found without a journal, and replayed."""
    picture(Path("in/0.jpg"))
    first, second = suited_specs(engine, style, "neon:0.3")
    look = ["--style", first, "--style", second, "--engine", engine, "--size", "64", *quick_options(engine)]
    assert run("stylize", "in", *look, "-o", "out") == 0
    for path in own_cache.rglob("*.jsonl"):
        path.unlink()
    capsys.readouterr()
    assert run("stylize", "in", *look, "-o", "out") == 0
    assert "0 painted, 1 already there" in capsys.readouterr().err
    assert run("replay", "out/0.png", "--content", "in/0.jpg", "-o", "again.png") == 0


def test_a_file_can_do_without_its_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    photo = picture(Path("secret-name.png"))
    for suffix in ("png", "jpg", "webp", "tif"):
        out = Path(f"out.{suffix}")
        assert run("stylize", photo, *LOOK, "--no-recipe", "-o", out) == 0
        assert b"secret-name" not in out.read_bytes()
        assert b"neon" not in out.read_bytes()
        with pytest.raises(ValueError, match="no diffstyle recipe"):
            read_recipe(out)
    assert run("replay", "out.png", "--content", photo) == 2
    assert "no diffstyle recipe" in capsys.readouterr().err


def test_home_is_understood_behind_equals(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    photo, style = picture(Path("a.png")), picture(tmp_path / "style.png", 1)
    Image.fromarray(np.full((48, 64), 255, np.uint8)).save(tmp_path / "m.png")
    words = ["--style=~/style.png:0.5", "--style", "image:~/style.png", "--mask=~/m.png", "--out=~/out.png"]
    assert run("stylize", photo, "--engine", "adain", *words) == 0
    assert (tmp_path / "out.png").is_file()
    assert run("stylize", photo, "--engine", "adain", "--style", "~/style.png", "-o", style) == 2


def piped(*arguments: object, lines: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diffstyle", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    read = [process.stdout.readline() for _ in range(lines)]
    process.stdout.close()
    with process.stderr:
        errors = process.stderr.read()
    return subprocess.CompletedProcess(command, process.wait(), "".join(read), errors)


def test_a_pipe_that_closes_ends_quietly() -> None:
    photos = [picture(Path(f"{n}.jpg"), n) for n in range(3)]
    for words in (("style", "list"), ("stylize", *photos, *LOOK, "--json", "-o", "out/")):
        done = piped(*words, lines=1)
        assert done.returncode in (0, 1)
        assert "Traceback" not in done.stderr
        assert "BrokenPipe" not in done.stderr


def test_something_is_said_at_once_and_while_it_works() -> None:
    photo = picture(Path("a.png"))
    command = [sys.executable, "-m", "diffstyle", "stylize", str(photo), *LOOK]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        started = time.monotonic()
        assert run.stderr is not None
        assert "painting a.png" in run.stderr.readline()
        assert time.monotonic() - started < 3  # 0.3 s on a machine with nothing else to do
        run.stderr.read()
    assert run.returncode == 0


def test_unexpected_errors_are_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_cache: Path
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("deep inside")

    monkeypatch.setattr("diffstyle.cli.stylize.found_photos", broken)
    assert run("stylize", picture(Path("a.png")), *LOOK) == 1
    errors = capsys.readouterr().err
    assert "unexpected error, KeyError" in errors
    assert "Traceback" not in errors
    assert "deep inside" in (own_cache / "error.log").read_text()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize(
    "words",
    [
        ("stylize", "pipe.png", "--style", "neon"),
        ("stylize", "a.png", "--style", "neon", "--mask", "pipe.png"),
        ("stylize", "a.png", "--style", "neon", "--region", "pipe.png=neon"),
        ("stylize", "a.png", "--style", "neon", "--only", "scribble:pipe.png"),
        ("stylize", "a.png", "--style", "pipe.style.safetensors"),
        ("replay", "pipe.png", "--content", "a.png"),
    ],
)
def test_a_named_pipe_is_refused(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    picture(Path("a.png"))
    for name in ("pipe.png", "pipe.style.safetensors"):
        os.mkfifo(name)
    assert run(*words, "-o", "out.png") == 2
    assert "a pipe" in capsys.readouterr().err
    assert not Path("out.png").exists()


def test_an_empty_name_is_no_folder(capsys: pytest.CaptureFixture[str]) -> None:
    picture(Path("a.png"))
    for words in (("", "-o", "out/"), ("a.png", "", "-o", "out/"), ("a.png", "--layers", "")):
        assert run("stylize", *words, *LOOK) == 2
        assert "empty" in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_output_is_a_sentence() -> None:
    command = [sys.executable, "-m", "diffstyle", "models", "list"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "report" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_pickles_are_refused_without_a_warning() -> None:
    Path("p.ipadpt").write_bytes(pickle.dumps({"a": Path}, protocol=4))
    picture(Path("a.png"))
    command = [sys.executable, "-m", "diffstyle", "stylize", "a.png", "--engine", "adain", "--style", "p.ipadpt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Warning" not in done.stderr

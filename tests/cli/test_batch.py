"""`diffstyle batch` in this process: what it finds, where pictures go, and what bad input comes to."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import fsspec  # pyright: ignore[reportMissingTypeStubs]
import pytest
from fsspec.implementations.memory import MemoryFileSystem  # pyright: ignore[reportMissingTypeStubs]
from PIL import Image

from diffstyle import read_recipe
from diffstyle.formats import places
from tests.helpers.cli import run
from tests.helpers.pictures import waves

LOOK = ("--style", "neon", "--engine", "adain")


def encoded(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(waves(64, 48, seed=seed)).save(buffer, "JPEG")
    return buffer.getvalue()


def shard(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder in which the test runs, and its cache."""
    monkeypatch.setenv("DIFFSTYLE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "w").mkdir()
    monkeypatch.chdir(tmp_path / "w")


def painted_in(folder: str) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in Path(folder).rglob("*") if p.is_file())


def counts(capsys: pytest.CaptureFixture[str]) -> str:
    return next(line for line in capsys.readouterr().err.splitlines() if "already there" in line)


def test_folders_files_and_shards(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in/deep").mkdir(parents=True)
    Path("in/one.jpg").write_bytes(encoded(1))
    Path("in/one.png").write_bytes(encoded(2))
    Path("in/.hidden.jpg").write_bytes(encoded(3))
    Path("in/notes.txt").write_text("not a picture")
    Path("in/deep/two.jpg").write_bytes(encoded(4))
    shard(Path("in/deep/s.tar"), {"a/000.jpg": encoded(5), "a/000.json": b"{}", "001.JPG": encoded(6)})
    Path("three.jpg").write_bytes(encoded(7))
    assert run("batch", "in", "three.jpg", "in/out", *LOOK, "--recursive") == 0
    assert counts(capsys) == "6 painted, 0 already there, 0 failed."
    expected = ["deep/s/001.png", "deep/s/a/000.png", "deep/two.png", "one.jpg.png", "one.png.png", "three.png"]
    assert painted_in("in/out") == expected
    assert read_recipe("in/out/deep/s/a/000.png").content_source.endswith("000.jpg")
    assert run("batch", "in", "three.jpg", "-o", "in/out", *LOOK, "--recursive") == 0
    assert counts(capsys) == "0 painted, 6 already there, 0 failed."


def test_a_batch_paints_what_stylize_paints() -> None:
    Path("one.jpg").write_bytes(encoded(1))
    assert run("batch", "one.jpg", "out", *LOOK) == 0
    assert run("stylize", "one.jpg", *LOOK, "-o", "alone.png") == 0
    assert Image.open("out/one.png").tobytes() == Image.open("alone.png").tobytes()


def test_urls(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    memory: Any = fsspec.filesystem("memory")  # pyright: ignore[reportUnknownMemberType]
    for n in range(3):
        memory.pipe(f"/bucket-{id(memory)}/in/{n}.jpg", encoded(n))
    bucket = f"memory://bucket-{id(memory)}"
    assert run("batch", f"{bucket}/in", f"{bucket}/out", *LOOK) == 0
    assert counts(capsys) == "3 painted, 0 already there, 0 failed."
    found = [name.rpartition("/")[2] for name in memory.ls(f"{bucket}/out", detail=False)]
    assert sorted(found) == ["0.png", "1.png", "2.png"]
    assert run("batch", f"{bucket}/in/[01].jpg", f"{bucket}/out", *LOOK) == 0
    assert counts(capsys) == "0 painted, 2 already there, 0 failed."

    def cut(*_: object) -> None:
        raise OSError("the connection was lost")

    memory.rm(f"{bucket}/out/2.png")
    with monkeypatch.context() as patch:
        patch.setattr(MemoryFileSystem, "cp_file", cut)
        assert run("batch", f"{bucket}/in", f"{bucket}/out", *LOOK) == 1
    assert f"Cannot write {bucket}/out/2.png" in capsys.readouterr().err
    assert len(memory.ls(f"{bucket}/out")) == 2
    assert run("batch", f"{bucket}/in", "out", *LOOK) == 0
    assert painted_in("out") == ["0.png", "1.png", "2.png"]


def test_bad_files_are_reported_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    good = encoded(1)
    shard(Path("s.tar"), {"good.jpg": good, "bad.jpg": good[:200], "../out.jpg": good, "end.jpg": encoded(2)})
    data = Path("s.tar").read_bytes()
    Path("cut.tar").write_bytes(data[: data.index(encoded(2)) + 100])
    Path("none.tar").write_bytes(b"nothing of the kind" * 100)
    assert run("batch", "s.tar", "cut.tar", "none.tar", "gone.jpg", "out", *LOOK, "--json") == 1
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert painted_in("out") == ["cut/good.png", "s/end.png", "s/good.png"]
    assert not Path("out.png").exists()
    errors = {line["content"].rpartition("/w/")[2]: line["error"] for line in lines if "error" in line}
    assert "is damaged" in errors["s.tar!bad.jpg"]
    assert "leads out of the folder" in errors["s.tar!../out.jpg"]
    assert "cut.tar" in errors
    assert "none.tar" in errors
    assert "there is no such file" in errors["gone.jpg"]
    assert "3 painted, 0 already there" in printed.err


def test_nothing_that_is_read_or_made_otherwise_is_written_over(capsys: pytest.CaptureFixture[str]) -> None:
    Path("in").mkdir()
    Path("in/one.png").write_bytes(encoded(1))
    before = Path("in/one.png").read_bytes()
    assert run("batch", "in", "in", *LOOK) == 1
    assert "Cannot write" in capsys.readouterr().err
    assert Path("in/one.png").read_bytes() == before
    assert run("batch", "in", "out", *LOOK) == 0
    kept = Path("out/one.png").read_bytes()
    assert run("batch", "in", "out", *LOOK, "--strength", "0.5") == 1
    assert "add --overwrite" in capsys.readouterr().err
    assert Path("out/one.png").read_bytes() == kept
    assert run("batch", "in", "out", *LOOK, "--strength", "0.5", "--overwrite") == 0
    assert Path("out/one.png").read_bytes() != kept


def test_what_a_killed_writer_left_is_deleted() -> None:
    for name in (".one.png.abcd.partial", ".other.png.abcd.partial", "one.png"):
        Path(name).write_text("")
    places.sweep([str(Path("one.png").absolute())])
    assert painted_in(".") == [".other.png.abcd.partial", "one.png"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("one.jpg",), "Name the photos and the folder to paint to"),
        (("one.jpg", ""), "Name the photos and the folder to paint to"),
        (("one.jpg", "out.png"), "out.png is one file, and a batch paints several photos"),
        (("empty", "out"), "There are no pictures in the folder"),
        (("one.jpg", "./one.jpg", "out"), "Two of the photos have the same name"),
        (("nothing://bucket", "out"), "Cannot use nothing://bucket: Protocol not known: nothing"),
        (("one.jpg", "out", "--workers", "0"), "workers is 0"),
        (("one.jpg", "out", "--style", "gone.jpg"), "gone.jpg"),
    ],
)
def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    Path("one.jpg").write_bytes(encoded(1))
    Path("empty").mkdir()
    assert run("batch", *words, *LOOK) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert not list(Path.cwd().rglob("*.png"))


@pytest.mark.parametrize("address", ["photos", "127.0.0.1:1", "127.0.0.1:99999"])
def test_addresses_where_there_is_no_cluster(capsys: pytest.CaptureFixture[str], address: str) -> None:
    Path("one.jpg").write_bytes(encoded(1))
    assert run("batch", "one.jpg", "out", *LOOK, "--ray", address) == 2
    assert address in capsys.readouterr().err


def test_a_place_that_follows_ray_is_taken_for_an_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("batch", *LOOK, "--ray", "photos", "out") == 2
    assert "photos is no address of a Ray cluster" in capsys.readouterr().err


def test_ray_is_optional(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("one.jpg").write_bytes(encoded(1))
    monkeypatch.setattr("diffstyle.cli.batch.find_spec", lambda _: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    assert run("batch", "one.jpg", "out", *LOOK, "--ray") == 2
    assert capsys.readouterr().err.strip() == "diffstyle: --ray needs Ray: pip install 'diffstyle[ray]'."
    assert run("batch", "one.jpg", "out", *LOOK) == 0


def test_ray_is_imported_for_nothing_else() -> None:
    Path("one.jpg").write_bytes(encoded(1))
    code = (
        "import sys; from diffstyle.cli import main\n"
        f"try: main(['batch', 'one.jpg', 'out', *{LOOK}])\n"
        "finally: print(sorted({'ray', 'pyarrow'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

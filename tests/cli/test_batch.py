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
from diffstyle.cli.asked import Asked, StyleOptions
from diffstyle.cli.batch_items import Item
from diffstyle.cli.batch_painter import Painter
from diffstyle.cli.file_options import FileOptions
from diffstyle.cli.job import Request
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import Settings
from diffstyle.engines.registry import settings_class
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


@pytest.mark.parametrize("runtime", [(), ("--runtime", "torch")], ids=["", "torch"])
def test_finished_pictures_are_known_by_their_recipes(
    runtime: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On another machine, which has no list of what was painted."""
    Path("one.jpg").write_bytes(encoded(1))
    assert run("batch", "one.jpg", "out", *LOOK, *runtime) == 0
    assert counts(capsys) == "1 painted, 0 already there, 0 failed."
    monkeypatch.setenv("DIFFSTYLE_CACHE", str(tmp_path / "elsewhere"))
    assert run("batch", "one.jpg", "out", *LOOK, *runtime) == 0
    assert counts(capsys) == "0 painted, 1 already there, 0 failed."


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
        (("one.jpg", "out", "--workers", "2"), "--workers is for workers on a cluster: add --ray"),
        (("one.jpg", "out", "--worker-cpus", "1"), "--worker-cpus is for workers on a cluster: add --ray"),
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


def put(name: str, data: bytes) -> str:
    """The URL of a file in memory."""
    memory: Any = fsspec.filesystem("memory")  # pyright: ignore[reportUnknownMemberType]
    memory.pipe(f"/{name}", data)
    return f"memory://{name}"


@pytest.mark.parametrize("folder", ["memory://origin", "MEMORY://origin", "simplecache::memory://origin"])
def test_a_photo_at_a_url_is_never_painted_over(capsys: pytest.CaptureFixture[str], folder: str) -> None:
    photo = put("origin/one.png", encoded(1))
    assert run("batch", f"{folder}/one.png", "memory://origin", *LOOK, "--overwrite") == 1
    assert "it is one of the photos" in capsys.readouterr().err
    assert places.read(photo) == encoded(1)


def test_names_of_a_file_are_known_as_one() -> None:
    Path("link").symlink_to(".")
    here = Path.cwd()
    names = [f"{here}/a.png", f"file://{here}/a.png", f"LOCAL://{here}/a.png", "link/a.png"]
    assert len({places.identity(name) for name in names}) == 1
    assert places.identity("memory://a/b.png") != places.identity("memory://a/c.png")


def test_a_damaged_header_in_a_shard_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    shard(Path("whole.tar"), {"1.jpg": encoded(1), "2.jpg": encoded(2), "3.jpg": encoded(3)})
    data = Path("whole.tar").read_bytes()
    with tarfile.open("whole.tar") as tar:
        second = tar.getmembers()[1].offset
    Path("damaged.tar").write_bytes(data[:second] + b"x" * 512 + data[second + 512 :])
    Path("zeroed.tar").write_bytes(data[:second] + bytes(512) + data[second + 512 :])
    Path("cut.tar").write_bytes(data[:second])
    assert run("batch", "whole.tar", "damaged.tar", "zeroed.tar", "cut.tar", "out", *LOOK) == 1
    said = capsys.readouterr().err
    assert "6 painted, 0 already there, 3 failed." in said
    assert said.count("is cut off or damaged after 1.jpg") == 3


def test_a_name_twice_in_a_shard_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    shard(Path("s.tar"), {"1.jpg": encoded(1), "./1.jpg": encoded(2), "2.jpg": encoded(3)})
    assert run("batch", "s.tar", "out", *LOOK) == 1
    assert "another one is before it" in capsys.readouterr().err
    assert painted_in("out") == ["s/1.png", "s/2.png"]


def test_names_with_characters_of_patterns(capsys: pytest.CaptureFixture[str]) -> None:
    put("globs/a[1]*.jpg", encoded(1))
    put("globs/a1b.jpg", encoded(2))
    put("painted/a1b.png", b"another one's")
    assert run("batch", "memory://globs/a[1]*.jpg", "memory://painted", *LOOK) == 0
    assert places.exists("memory://painted/a[1]*.png")
    assert places.read("memory://painted/a1b.png") == b"another one's"
    assert run("batch", "memory://globs/z*.jpg", "memory://painted", *LOOK) == 2
    assert "Nothing matches memory://globs/z*.jpg" in capsys.readouterr().err


def test_a_shard_without_pictures(capsys: pytest.CaptureFixture[str]) -> None:
    shard(Path("s.tar"), {"1.txt": b"words"})
    assert run("batch", "s.tar", "out", *LOOK) == 2
    assert "There are no pictures in s.tar" in capsys.readouterr().err


def test_paths_that_look_like_chains_of_urls() -> None:
    Path("a::b").mkdir()
    Path("a::b/one.jpg").write_bytes(encoded(1))
    assert run("batch", "a::b", "out", *LOOK) == 0
    assert painted_in("out") == ["one.png"]


@pytest.mark.parametrize("out", ["link", "in/../in/out", "file://{here}/in/out", "in/out"])
def test_own_pictures_are_not_painted_again(capsys: pytest.CaptureFixture[str], out: str) -> None:
    Path("in/out").mkdir(parents=True)
    Path("link").symlink_to("in/out")
    Path("in/one.jpg").write_bytes(encoded(1))
    place = out.format(here=Path.cwd())
    assert run("batch", "in", place, *LOOK, "--recursive") == 0
    assert run("batch", "in", place, *LOOK, "--recursive") == 0
    assert counts(capsys) == "1 painted, 0 already there, 0 failed."
    assert painted_in("in") == ["one.jpg", "out/one.png"]


def test_stamps_of_urls_follow_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    url = put("stamped/one.jpg", encoded(1))

    def told(**info: object) -> None:
        def answer(*_: object) -> dict[str, object]:
            return {"size": 1, **info}

        monkeypatch.setattr(MemoryFileSystem, "info", answer)

    stamps: list[tuple[str, int, int]] = []
    for day in ("Mon", "Tue"):
        told(**{"Last-Modified": day})
        stamps.append(places.stamp(url))
    assert stamps[0] != stamps[1]
    told()
    with pytest.raises(FileNotFoundError):
        places.stamp(url)

    def cut(*_: object) -> None:
        raise RuntimeError("the connection was lost")

    monkeypatch.setattr(MemoryFileSystem, "info", cut)
    with pytest.raises(InputError, match="the connection was lost"):
        places.stamp(url)
    assert Item(source=url, target=url).stamps() is None


def test_secrets_in_urls_are_not_shown() -> None:
    assert places.shown("ftp://me:word@host/a b.jpg") == "ftp://host/a b.jpg"
    assert places.shown("Cannot read https://host/a.jpg?key=1&b: gone") == "Cannot read https://host/a.jpg gone"
    assert places.shown("s3://bucket/what?.jpg") == "s3://bucket/what?.jpg"
    assert places.shown("file:///a?b=c.jpg") == "file:///a?b=c.jpg"
    item = Item(source="https://me:word@host/a.jpg?key=1", target="out/a.png")
    assert (item.label, item.photo.path.name) == ("https://host/a.jpg", "a.jpg")
    with pytest.raises(InputError) as failed, places.accessing("read ftp://me:word@host/a"):
        raise RuntimeError("no answer from ftp://me:word@host")
    assert "word" not in str(failed.value)


def test_partial_files_of_other_runs_are_kept() -> None:
    Path(".one.png.other.partial").write_text("")
    named = [str(Path("one.png").absolute())]
    before = places.partials(named)
    Path(".one.png.own.partial").write_text("")
    places.sweep(named, keep=before)
    assert painted_in(".") == [".one.png.other.partial"]


@pytest.mark.parametrize("own", [True, False])
def test_pictures_that_appear_during_the_run(own: bool) -> None:
    Path("one.jpg").write_bytes(encoded(1))
    Path("out").mkdir()
    if own:
        assert run("batch", "one.jpg", "out", *LOOK) == 0
    else:
        Path("out/one.png").write_bytes(encoded(2))
    neon, files = StyleOptions(style=["neon"]), FileOptions(overwrite=True)
    painter = Painter(Request(neon, Settings(), settings_class("adain")(), ModelOptions(), files), Asked.of(neon))
    here = Path.cwd()
    outcome = painter.paint(Item(source=f"{here}/one.jpg", target=f"{here}/out/one.png"))
    assert outcome.status == ("painted" if own else "failed"), outcome
    assert own or "was made by someone else" in outcome.reason

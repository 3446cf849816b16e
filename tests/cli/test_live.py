"""`diffstyle live`: a clip as a camera, pipes, the page, how it ends, and what is refused."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.helpers.cli import run
from tests.helpers.clips import moving, read_arrays, write_clip

LOOK = ("--style", "neon", "--steady", "0")
COMMAND = [sys.executable, "-m", "diffstyle", "live", *LOOK]
LAYOUT = ("--camera", "-", "--raw", "64x48@25")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFFSTYLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def clip(count: int, *, rate: int = 10, size: tuple[int, int] = (64, 48)) -> str:
    write_clip(Path("a.mp4"), [moving(n, *size) for n in range(count)], rate=rate)
    return "a.mp4"


def test_a_clip_is_a_camera() -> None:
    begun = time.monotonic()
    words = [*COMMAND, "--camera", clip(20), "-o", "o.mp4", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert time.monotonic() - begun >= 1.9, "it was played faster than a camera"
    said = json.loads(done.stdout)
    assert said["painted"] + said["dropped"] == 20
    assert len(read_arrays(Path("o.mp4"))) == said["painted"] > 1
    assert sorted(path.name for path in Path().glob("*.mp4")) == ["a.mp4", "o.mp4"]


def test_frames_are_dropped_and_never_queued_when_painting_is_slow(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--camera", clip(200, rate=200), "--size", "320", "-o", "o.mkv", "--json")
    assert run("live", "--style", "neon", *words) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["dropped"] > said["painted"] > 1
    assert said["latency"] < 3 / said["rate"]  # the frame that is painted, and what is left of the one before
    assert said["worst"] < said["painted"] / said["rate"] + 1  # the first one measures the style


def test_ctrl_c_ends_a_pipe_that_goes_on() -> None:
    with subprocess.Popen(
        [*COMMAND, *LAYOUT, "-o", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(moving(0).tobytes())
        process.stdin.flush()
        assert len(process.stdout.read(64 * 48 * 3)) == 64 * 48 * 3
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        said = process.stderr.read().decode()
    assert "1 frames painted, 0 dropped" in said
    assert "median latency" in said
    assert "Traceback" not in said


def test_it_ends_with_its_reader() -> None:
    words = [*COMMAND, "--camera", clip(60), "-o", "-"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(64 * 48 * 3)
        process.stdout.close()
        assert process.wait(timeout=20) == 1
        said = process.stderr.read().decode()
    assert "frames a second" in said
    assert "Traceback" not in said


def test_the_page_shows_frames_on_this_machine_alone() -> None:
    with subprocess.Popen(
        [*COMMAND, *LAYOUT, "--port", "0"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=False
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        found = re.search(rb"http://127\.0\.0\.1:\d+/", process.stderr.readline())
        assert found is not None
        address = found[0].decode()
        assert "frames.mjpg" in httpx.get(address, timeout=20).text
        assert httpx.get(address, headers={"Host": "evil.example"}, timeout=20).status_code == 403
        process.stdin.write(moving(0).tobytes())
        process.stdin.flush()
        with httpx.stream("GET", f"{address}frames.mjpg", timeout=60) as answer:
            assert b"\xff\xd8" in next(answer.iter_raw())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_it_stops_after_so_many_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("live", *LOOK, "--camera", clip(60), "--seconds", "0.5", "-o", "o.webm") == 0
    assert "frames a second" in capsys.readouterr().err
    assert run("live", *LOOK, "--camera", "a.mp4", "-o", "o.webm") == 2
    assert "add --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--camera", "99", "-o", "o.mp4"), "Cannot open camera 99"),
        (("--camera", "none.mp4", "-o", "o.mp4"), "no such file"),
        (("--camera", "-", "-o", "o.mp4"), "add --raw"),
        (("--camera", "a.mp4"), "Say where the frames go"),
        (("--camera", "a.mp4", "-o", "o.avi"), "end the name in"),
        (("--camera", "a.mp4", "-o", "/dev/video99"), "no device /dev/video99"),
        (("--camera", "a.mp4", "-o", "-", "--json"), "for frames alone"),
        (("--camera", "a.mp4", "-o", "o.mp4", "--engine", "nnst"), "too slow for a camera: choose adain"),
        (("--camera", "a.mp4", "-o", "o.mp4", "--seconds", "0"), "above 0"),
        (("--camera", "a.mp4", "-o", "o.mp4", "--strength", "2"), "strength is 2"),
        (("--camera", "a.mp4", "--port", "99999"), "choose another one"),
    ],
)
def test_bad_input_is_one_sentence(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    clip(2)
    assert run("live", *LOOK, *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert sorted(path.name for path in Path().iterdir()) in (["a.mp4"], ["a.mp4", "cache"])

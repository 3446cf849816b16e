"""`diffstyle video`: batches, pipes, what a kill leaves, replays, and what is said of bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from diffstyle.video.clip_recipe import read_clip_recipe
from diffstyle.video.files.work_folder import work_path
from diffstyle.video.painting import Painted
from tests.helpers.cli import run
from tests.helpers.clips import moving, packets_of, read_arrays, write_clip
from tests.helpers.raft import random_raft, torch_cache

LOOK = ("--style", "neon", "--engine", "adain", "--steady", "0")
COMMAND = [sys.executable, "-m", "diffstyle", "video"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFFSTYLE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "w").mkdir()
    monkeypatch.chdir(tmp_path / "w")


def clip(name: str, count: int = 6, size: tuple[int, int] = (64, 48), **options: float) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_clip(path, [moving(n, *size) for n in range(count)], sound=options.get("sound", 0))


def test_a_clip_is_painted_and_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    path = clip("a.mp4", 8, sound=0.8)
    assert run("video", path, *LOOK, "--json", "--thumbnail", "t.png", "--from", "0.2", "--segment", "3") == 0
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["out"], line["frames"], line["width"]) == ("a.styled.mp4", 6, 64)
    with Image.open("t.png") as small:
        assert small.size == (64, 48)
    assert (
        packets_of(Path("a.styled.mp4"), "audio")
        == packets_of(path, "audio")[-len(packets_of(Path("a.styled.mp4"), "audio")) :]
    )
    assert run("video", path, *LOOK, "--from", "0.2", "--segment", "3") == 0  # there already
    assert run("video", path, *LOOK) == 2
    assert "add --overwrite" in capsys.readouterr().err
    assert run("replay", "a.styled.mp4", "--content", path) == 0
    assert Path("a.styled.replay.mp4").read_bytes() == Path("a.styled.mp4").read_bytes()
    assert run("replay", "a.styled.mp4", "--content", clip("b.mp4", 3)) == 2
    assert "is not the clip" in capsys.readouterr().err


def test_the_flicker_of_a_clip_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    path = clip("a.mp4", 12)
    words = ("--style", "van-gogh-starry-night", "--engine", "adain", "--measure")
    assert run("video", path, *words, "--json") == 0
    found = json.loads(capsys.readouterr().out)["warping_error"]
    assert found["result"]["1"] < found["frame_by_frame"]["1"]
    assert found["clip"]["10"] is not None
    assert run("video", path, *words, "-o", "b.mp4") == 0
    assert "warping error from frame to frame: clip 0." in capsys.readouterr().err
    assert run("video", path, *words, "-o", "-") == 2
    assert "cannot be measured" in capsys.readouterr().err


def test_frames_painted_one_by_one_are_measured_as_the_result_is(capsys: pytest.CaptureFixture[str]) -> None:
    clip("a.mp4", 4, (160, 128))
    Image.fromarray(np.eye(32, dtype=np.uint8) * 255).save("mask.png")
    words = ("video", "a.mp4", *LOOK, "--size", "96", "--mask", "mask.png", "--codec", "ffv1", "-o", "o.mkv", "--json")
    assert run(*words, "--measure") == 0
    found = json.loads(capsys.readouterr().out)["warping_error"]
    assert found["result"]["1"] == pytest.approx(found["frame_by_frame"]["1"], rel=0.01)
    assert run(*words, "--measure") == 0
    assert json.loads(capsys.readouterr().out)["warping_error"] == found, "what is there already is measured, too"


@pytest.mark.parametrize("out", ["o.webp", "o.gif"])
def test_a_result_that_stores_equal_frames_as_one_is_measured(out: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_clip(Path("a.mkv"), [moving(n // 3) for n in range(6)], codec="ffv1", pixels="bgr0", options={})
    assert run("video", "a.mkv", *LOOK, "--measure", "-o", out, "--json") == 0
    found = json.loads(capsys.readouterr().out)["warping_error"]
    assert found["result"]["1"] == pytest.approx(found["frame_by_frame"]["1"], rel=0.6)


def test_one_frame_has_no_flicker(capsys: pytest.CaptureFixture[str]) -> None:
    clip("a.mp4", 1)
    assert run("video", "a.mp4", *LOOK, "--measure") == 0
    assert "unknown, no two neighbours" in capsys.readouterr().err
    assert run("video", "a.mp4", *LOOK) == 0
    assert "is there already, made by the same recipe" in capsys.readouterr().err


def test_a_folder_of_clips_is_painted_and_a_broken_one_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    clip("in/a.mp4", 3)
    clip("in/a.mkv", 3)
    Path("in/broken.mp4").write_bytes(b"no clip" * 99)
    Path("in/empty.mov").touch()
    assert run("video", "in", *LOOK, "-o", "out/", "--json") == 1
    said = capsys.readouterr()
    assert "2 painted, 0 already there, 2 failed." in said.err
    assert sorted(p.name for p in Path("out").iterdir()) == ["a.mkv.mp4", "a.mp4.mp4"]
    assert len([line for line in said.out.splitlines() if "error" in json.loads(line)]) == 2
    assert run("video", "in", *LOOK, "-o", "out/", "--json") == 1
    assert "0 painted, 2 already there, 2 failed." in capsys.readouterr().err


def test_frames_in_and_out(capsys: pytest.CaptureFixture[str]) -> None:
    Path("f").mkdir()
    for n in range(1, 5):
        Image.fromarray(moving(n)).save(f"f/{n}.png")
    Path("g").mkdir()  # an empty folder may be filled
    assert run("video", "f", *LOOK, "--strength", "0", "--codec", "png", "-o", "g", "--fps", "5") == 0
    assert [np.array_equal(a, moving(n)) for n, a in enumerate(read_arrays(Path("g")), 1)] == [True] * 4
    assert run("video", "f", *LOOK, "-o", "o.gif") == 0
    assert "25 times a second" in capsys.readouterr().err
    assert len(read_arrays(Path("o.gif"))) == 4
    assert run("replay", "g", "--content", "f") == 0


def test_raw_frames_go_through_a_pipe() -> None:
    data = b"".join(moving(n).tobytes() for n in range(3))
    words = [*COMMAND, "-", "--raw", "64x48@12", *LOOK, "--strength", "0", "-o"]
    piped = subprocess.run([*words, "-"], input=data, capture_output=True, check=False)
    assert (piped.returncode, piped.stdout) == (0, data), piped.stderr
    cut = subprocess.run([*words, "o.mp4"], input=data[:-9], capture_output=True, check=False)
    assert cut.returncode == 2
    assert b"ended within frame 3" in cut.stderr
    assert not list(Path.cwd().iterdir())


def test_a_killed_run_goes_on_and_comes_out_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    path = clip("a.mp4", 120, (160, 128), sound=3.0)
    words = ["a.mp4", *LOOK, "--segment", "5", "-o"]
    threads = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}  # on which the last bits depend
    process = subprocess.Popen([*COMMAND, *words, "o.mp4"], stderr=subprocess.DEVNULL, env=threads)
    work = work_path(Path("o.mp4"))
    deadline = time.monotonic() + 60
    while len(list(work.glob("0*.json"))) < 3 and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(list(work.glob("0*.json")))
    assert 3 <= kept < 24, "it was killed too late"
    assert not Path("o.mp4").exists()
    assert run("video", *words, "o.mp4", "--json") == 0
    assert json.loads(capsys.readouterr().out)["resumed"] == 5 * kept
    assert run("video", *words, "whole.mp4") == 0
    assert Path("o.mp4").read_bytes() == Path("whole.mp4").read_bytes()
    assert packets_of(Path("o.mp4"), "audio") == packets_of(path, "audio")
    assert not work.exists()


@pytest.mark.long
@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_ctrl_c_while_a_frame_is_encoded(capsys: pytest.CaptureFixture[str], codec: str) -> None:
    """These codecs take longer than the painting, so that the encoder's thread is at work whenever the signal comes."""
    path = clip("a.mp4", 40, (320, 240), sound=1.0)
    look = ["--style", "neon", "--engine", "adain", "--codec", codec, "--quality", "95"]
    words = ["a.mp4", *look, "--segment", "5", "-o"]
    threads = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}  # on which the last bits depend
    work = work_path(Path("o.mkv"))
    for kept, delay in ((1, 0.1), (3, 0.3)):
        process = subprocess.Popen([*COMMAND, *words, "o.mkv"], stderr=subprocess.PIPE, text=True, env=threads)
        deadline = time.monotonic() + 90
        while not work_has(work, kept) and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1].splitlines()
        assert process.returncode == 130, said
        frames = 5 * len(list(work.glob("0*.json")))
        assert said[-1] == f"diffstyle: interrupted. {frames} frames are kept: the same command goes on from there."
        assert 5 * kept <= frames < 40, "it was interrupted too late"
        assert not Path("o.mkv").exists()
    assert run("video", *words, "o.mkv", "--json") == 0
    assert json.loads(capsys.readouterr().out)["resumed"] == frames
    assert run("video", *words, "whole.mkv") == 0
    assert Path("o.mkv").read_bytes() == Path("whole.mkv").read_bytes()
    assert packets_of(Path("o.mkv"), "audio") == packets_of(path, "audio")
    assert sorted(p.name for p in Path().iterdir()) == ["a.mp4", "o.mkv", "whole.mkv"]


def work_has(work: Path, kept: int) -> bool:
    """Whether so many segments are kept, and the next one has been begun."""
    return len(list(work.glob("0*.json"))) >= kept and any(work.glob("*.partial*"))


def test_an_interrupted_run_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip("a.mp4", 9)

    def stop(_: object, painted: Painted) -> None:
        if painted.done == 6:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("diffstyle.cli.clip_job.Watched.update", stop)
        assert run("video", "a.mp4", *LOOK, "-o", "o.mp4", "--segment", "4") == 130
    assert "4 frames are kept: the same command goes on" in capsys.readouterr().err
    assert run("video", "a.mp4", *LOOK, "-o", "o.mp4", "--segment", "4", "--json") == 0
    assert json.loads(capsys.readouterr().out)["resumed"] == 4


def test_motion_by_raft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    cache = torch_cache(tmp_path, monkeypatch)
    clip("a.mp4", 4)
    words = ("video", "a.mp4", "--style", "neon", "--engine", "adain", "--flow", "raft", "-o", "o.mkv")
    assert run(*words) == 2
    assert "`diffstyle models pull raft_small` fetches it" in capsys.readouterr().err
    assert not Path("o.mkv").exists()
    weights = random_raft(cache, "raft_small", motion=(0.0, 0.0))
    assert run(*words) == 0
    recipe = read_clip_recipe(Path("o.mkv"))
    assert (recipe.steadiness.flow, len(recipe.flow_weights)) == ("raft", 12)
    assert run("video", *words[1:-4], "-o", "dis.mkv") == 0
    assert not np.array_equal(read_arrays(Path("o.mkv"))[-1], read_arrays(Path("dis.mkv"))[-1])
    assert run("replay", "o.mkv", "--content", "a.mp4") == 0
    weights.unlink()
    random_raft(cache, "raft_small", motion=(3.0, 0.0))
    capsys.readouterr()
    assert run("replay", "o.mkv", "--content", "a.mp4", "-o", "p.mkv") == 2
    assert "made with other weights of raft" in capsys.readouterr().err


def test_styles_change_along_a_clip(capsys: pytest.CaptureFixture[str]) -> None:
    clip("a.mp4", 4)
    words = ("video", "a.mp4", "--engine", "adain", "--steady", "0", "--keyframes", "0s: neon, 0.3s: watercolour")
    assert run(*words, "-o", "o.mp4") == 0
    assert len(read_clip_recipe(Path("o.mp4")).keyframes) == 2
    assert run("replay", "o.mp4", "--content", "a.mp4") == 0
    assert run(*words, "--style", "neon", "-o", "p.mp4") == 2
    assert "--style or --keyframes" in capsys.readouterr().err


def test_a_mask_can_be_a_clip() -> None:
    clip("a.mp4", 4)
    left = np.zeros((48, 64, 3), np.uint8)
    left[:, :32] = 255
    write_clip(Path("m.mp4"), [left] * 4)
    words = ("video", "a.mp4", *LOOK, "--mask", "m.mp4", "-o", "o.mkv")
    assert run(*words, "--codec", "ffv1") == 0
    kept, painted = read_arrays(Path("a.mp4"))[0].astype(int), read_arrays(Path("o.mkv"))[0]
    assert np.abs(painted - kept)[:, 40:].max() <= 3
    assert np.abs(painted - kept)[:, :24].mean() > 5
    assert run("replay", "o.mkv", "--content", "a.mp4") == 2
    assert run("replay", "o.mkv", "--content", "a.mp4", "--mask", "m.mp4") == 0
    Path("m").mkdir()
    Image.fromarray(left).save("m/1.png")
    assert run("video", "a.mp4", *LOOK, "--mask", "m", "-o", "p.mp4") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.mp4", "-o", "a.mp4"), "reads or writes that file"),
        (("a.mp4", "-o", "o.avi"), "end the name in"),
        (("a.mp4", "--codec", "nothing", "-o", "o.mp4"), "no encoder for nothing"),
        (("a.mp4", "--from", "soon", "-o", "o.mp4"), "Cannot read the time"),
        (("a.mp4", "--from", "2", "--to", "1", "-o", "o.mp4"), "would end at 1 s"),
        (("a.mp4", "--from", "20", "-o", "o.mp4"), "no frame between"),
        (("a.mp4", "--fps", "0", "-o", "o.mp4"), "frame rate"),
        (("a.mp4", "--quality", "200", "-o", "o.mp4"), "from 0 to 100"),
        (("a.mp4", "--every", "0", "-o", "o.mp4"), "every is 0"),
        (("a.mp4", "a.mp4", "-o", "o.mp4"), "one file"),
        (("a.mp4", "b.mp4"), "need a folder"),
        (("empty.mp4", "-o", "o.mp4"), "is empty"),
        (("missing.mp4", "-o", "o.mp4"), "no such file"),
        (("-", "-o", "o.mp4"), "add --raw"),
        (("a.mp4", "--raw", "64x48@5", "-o", "o.mp4"), "--raw describes frames from standard input"),
        (("a.mp4", "-o", "-", "--json"), "leave one of them out"),
    ],
)
def test_bad_input_is_one_sentence(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    clip("a.mp4", 2)
    clip("b.mp4", 2)
    Path("empty.mp4").touch()
    before = {p.name: p.stat().st_size for p in Path.cwd().iterdir()}
    assert run("video", *LOOK, *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert {p.name: p.stat().st_size for p in Path.cwd().iterdir()} == before

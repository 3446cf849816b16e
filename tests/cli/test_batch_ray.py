"""`diffstyle batch --ray` on a cluster of two workers that the command starts: nothing is lost or painted twice."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest
from PIL import Image

from diffstyle.core.errors import InputError
from tests.cli.test_batch import encoded, shard

pytestmark = pytest.mark.long
LOOK = ("--style", "neon", "--engine", "adain")


@dataclass(frozen=True, slots=True)
class Run:
    """A batch that runs on a cluster, and its lines for machines so far."""

    process: subprocess.Popen[str]
    lines: list[dict[str, Any]]

    def follow(self) -> Iterator[dict[str, Any]]:
        """Each line as it is printed."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            self.lines.append(json.loads(text))
            yield self.lines[-1]

    def workers(self) -> list[psutil.Process]:
        """The processes that paint."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        return [p for p in below if " ".join(p.cmdline()).startswith("ray::MapWorker(MapBatches(Worker))")]

    def finished(self) -> tuple[int, str]:
        """The exit code and the last words, when it has ended."""
        list(self.follow())
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        return self.process.wait(60), said


@contextmanager
def batch(folder: Path, *words: object, python: Path | None = None) -> Generator[Run]:
    """A batch in `folder`; its workers can import what is in `python`."""
    environment = os.environ | {"DIFFSTYLE_CACHE": str(folder / "cache")}
    if python is not None:
        environment["PYTHONPATH"] = f"{python}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    command = [sys.executable, "-m", "diffstyle", "batch", *map(str, words), *LOOK, "--json", "--ray", "--workers", "2"]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Run(process, [])
        finally:
            process.terminate()


def ended(folder: Path, *words: object) -> tuple[int, str]:
    """The exit code and the last words of a batch."""
    with batch(folder, *words) as run:
        return run.finished()


def photos(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True)
    for n in range(count):
        (folder / f"{n:04}.jpg").write_bytes(encoded(n))
    return folder


def check_whole(out: Path, count: int) -> None:
    """`count` pictures, all of them whole, and nothing else."""
    files = [p for p in out.rglob("*") if p.is_file()]
    assert len(files) == count
    for path in files:
        with Image.open(path) as image:
            image.load()
            assert image.size == (64, 48)


def test_two_hundred_photos_are_painted_once_each_though_workers_are_killed(tmp_path: Path) -> None:
    photos(tmp_path / "in", 200)
    killed = set[int]()
    with batch(tmp_path, "in", "out") as run:
        for n, _ in enumerate(run.follow(), 1):
            if n in (20, 60):
                victim = next(p for p in run.workers() if p.pid not in killed)
                killed.add(victim.pid)
                victim.send_signal(signal.SIGKILL)
        code, said = run.finished()
    assert code == 0, said
    assert len(killed) == 2
    assert "200 painted, 0 already there, 0 failed." in said
    assert sorted(Path(line["out"]).name for line in run.lines) == [f"{n:04}.png" for n in range(200)]
    check_whole(tmp_path / "out", 200)


def test_a_batch_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    photos(tmp_path / "in", 60)
    with batch(tmp_path, "in", "out") as run:
        for n, _ in enumerate(run.follow(), 1):
            if n == 20:
                run.process.send_signal(signal.SIGINT)
                break
        code, said = run.finished()
    assert code == 130, said
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").iterdir()}
    assert 20 <= len(before) < 60
    assert not [p for p in before if p.suffix != ".png"]
    code, said = ended(tmp_path, "in", "out")
    assert code == 0, said
    assert f"{60 - len(before)} painted, {len(before)} already there, 0 failed." in said
    assert {p: p.stat().st_mtime_ns for p in before} == before
    check_whole(tmp_path / "out", 60)


def test_shards_urls_and_bad_files(tmp_path: Path) -> None:
    photos(tmp_path / "in/deep", 3)
    (tmp_path / "in/bad.jpg").write_text("not a picture")
    shard(tmp_path / "in/s.tar", {"a/0.jpg": encoded(7), "a/0.txt": b"a photo", "1.jpg": encoded(8)[:200]})
    code, said = ended(tmp_path, f"file://{tmp_path}/in", f"file://{tmp_path}/out", "--recursive")
    assert code == 1
    assert "4 painted, 0 already there, 2 failed." in said
    assert "in/bad.jpg: Cannot read" in said
    assert "in/s.tar!1.jpg: Cannot read" in said
    assert (tmp_path / "out/s/a/0.png").is_file()
    check_whole(tmp_path / "out", 4)


def test_a_photo_that_kills_its_workers_is_given_up(tmp_path: Path) -> None:
    photos(tmp_path / "in", 2)
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def watch(event, args):\n"
        "    if event == 'open' and str(args[0]).endswith('in/0000.jpg'):\n"
        "        os.kill(os.getpid(), 9)\n"
        "if any('default_worker.py' in word for word in sys.orig_argv): sys.addaudithook(watch)\n"
    )
    with batch(tmp_path, "in", "out", python=tmp_path) as run:
        code, said = run.finished()
    assert code == 1, said
    assert "1 painted, 0 already there, 1 failed." in said
    assert "0000.jpg: 3 workers died of it" in said
    check_whole(tmp_path / "out", 1)


def test_a_model_that_is_missing_on_the_workers_is_one_sentence(tmp_path: Path) -> None:
    photos(tmp_path / "in", 1)
    started = time.monotonic()
    code, said = ended(tmp_path, "in", "out", "--adapter", tmp_path / "gone.safetensors")
    assert code == 2
    assert "gone.safetensors" in said.strip().splitlines()[-1]
    assert time.monotonic() - started < 300  # it does not wait for workers forever
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own
def test_workers_take_gpus_where_there_are_some() -> None:
    from diffstyle.cli.batch_ray import room

    assert room([{"CPU": 8}], 2, None) == (4, {"num_cpus": 2})
    assert room([{"CPU": 3}, {"CPU": 3}], 2, None) == (2, {"num_cpus": 2})
    assert room([{"CPU": 8, "GPU": 2}, {"CPU": 8}], 2, None) == (2, {"num_cpus": 2, "num_gpus": 1})
    assert room([{"CPU": 8, "GPU": 2}], 2, "cuda:0") == (2, {"num_cpus": 2, "num_gpus": 1})
    assert room([{"CPU": 8, "GPU": 2}], 2, "cpu") == (4, {"num_cpus": 2})
    with pytest.raises(InputError, match="the largest has 1 CPUs, lower --worker-cpus"):
        room([{"CPU": 1}, {"CPU": 1}], 2, None)
    with pytest.raises(InputError, match="start one"):
        room([{"memory": 1}], 1, None)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_log_that_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    from diffstyle.cli.batch_ray import own_streams

    (tmp_path / "file").write_text("")
    with own_streams(tmp_path / "file" / "ray.log"):
        print("what Ray says")
    assert not sys.stderr.closed


TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a-token-that-nobody-else-has-1234"}


@pytest.fixture
def cluster() -> Generator[str]:
    """The address of a cluster that runs already, asks for `TOKEN`, and has two cores and what it takes for a GPU."""
    with socket.socket() as free, TemporaryDirectory(prefix="ray-") as folder:  # in a short path, for sockets
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        words = ["--head", f"--port={port}", "--num-cpus=2", "--num-gpus=1", f"--temp-dir={folder}", "--block"]
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *words]
        environment = os.environ | TOKEN | {"RAY_USAGE_STATS_ENABLED": "0"}
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as head:
            try:
                yield f"127.0.0.1:{port}"
            finally:
                head.terminate()


def test_a_cluster_that_runs_already(tmp_path: Path, cluster: str) -> None:
    photos(tmp_path / "in", 3)
    environment = os.environ | {"DIFFSTYLE_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "diffstyle", "batch", "in", "out", *LOOK, "--json", "--ray", cluster]

    def run(**extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, env=environment | extra, capture_output=True, text=True, timeout=120
        )

    end = time.monotonic() + 60
    while (done := run(**TOKEN)).returncode == 2 and time.monotonic() < end:
        time.sleep(1)  # until the cluster answers
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    check_whole(tmp_path / "out", 3)
    done = run(RAY_AUTH_MODE="disabled")
    assert done.returncode == 2
    assert "if it asks for a token, set RAY_AUTH_MODE=token" in done.stderr

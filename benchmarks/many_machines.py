"""Pictures a second of `diffstyle batch --ray` with one worker and with two: `python -m benchmarks.many_machines`.

The painter at 256 pixels on photos of a folder, the workers with a core each. Counted from the first picture to the
last, so without the start of the cluster and the loading of models, which are printed apart. Then a batch of many small
pictures with the preview, one worker of which is killed halfway, and how many of them are there once each.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import psutil
from PIL import Image
from skimage import data

WORDS = "impasto painting in ochre and blue"
PAINTER = ("--style", WORDS, "--engine", "nnst")
PREVIEW = ("--style", WORDS, "--engine", "adain")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=40, help="of each round")
    parser.add_argument("--many", type=int, default=2000, help="small pictures")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.rounds:
            efficiency(folder, asked.rounds, asked.pictures)
        if asked.many:
            once_each(folder, asked.many)


def photos(folder: Path, count: int, side: int) -> Path:
    """A folder of photos, none like another."""
    folder.mkdir()
    whole = Image.fromarray(cast("npt.NDArray[np.uint8]", data.astronaut())).resize((side, side))
    for n in range(count):
        Image.fromarray(np.roll(np.asarray(whole), n, 1)).save(folder / f"{n:05}.jpg", quality=95)
    return folder


def batch(source: Path, out: Path, *words: object, kill_at: int = 0) -> tuple[list[dict[str, Any]], list[float], str]:
    """The lines for machines of a batch, the seconds from its start at which each came, and its last words."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "DIFFSTYLE_CACHE": str(out.parent / f"{out.name}.cache")}
    command = [sys.executable, "-m", "diffstyle", "batch", str(source), str(out), "--json", "--ray", *map(str, words)]
    began, lines, seconds = time.perf_counter(), list[dict[str, Any]](), list[float]()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for text in process.stdout:
            lines.append(json.loads(text))
            seconds.append(time.perf_counter() - began)
            if len(lines) == kill_at:
                below = psutil.Process(process.pid).children(recursive=True)
                next(p for p in below if " ".join(p.cmdline()).startswith("ray::MapWorker")).send_signal(signal.SIGKILL)
        return lines, seconds, process.stderr.read().strip()


def efficiency(folder: Path, rounds: int, pictures: int) -> None:
    """Pictures a second with one worker and with two, in turns, and the median of their ratios."""
    source, ratios = photos(folder / "photos", pictures, 256), list[float]()
    print(f"{'one worker, 1/s':>16} {'two, 1/s':>9} {'ratio':>6} {'first picture after s':>22}")
    for n in range(rounds):
        rates, starts = list[float](), list[float]()
        for workers in (1, 2):
            _, seconds, _ = batch(source, folder / f"out-{n}-{workers}", *PAINTER, "--workers", workers)
            rates.append((len(seconds) - 1) / (seconds[-1] - seconds[0]))
            starts.append(seconds[0])
        ratios.append(rates[1] / rates[0])
        first = f"{starts[0]:.1f} and {starts[1]:.1f}"
        print(f"{rates[0]:16.2f} {rates[1]:9.2f} {ratios[-1]:6.2f} {first:>22}", flush=True)
    median = statistics.median(ratios)
    print(f"two workers over one, median: {median:.2f}, an efficiency of {median / 2:.0%}")


def once_each(folder: Path, many: int) -> None:
    """Whether each of many pictures is there once, and whole, though a worker is killed halfway."""
    source, out = photos(folder / "small", many, 64), folder / "out-small"
    lines, seconds, said = batch(source, out, *PREVIEW, "--workers", 2, kill_at=many // 2)
    told = Counter(line["out"] for line in lines)
    whole = 0
    for path in out.iterdir():
        with Image.open(path) as image:
            image.load()
            whole += image.size == (64, 64)
    print(f"{many} small pictures in {seconds[-1]:.0f} s, one worker killed: {said.splitlines()[-1]}")
    print(f"files: {len(list(out.iterdir()))}, whole: {whole}; told once: {sum(n == 1 for n in told.values())}")
    began = time.perf_counter()
    _, _, said = batch(source, out, *PREVIEW, "--workers", 2)
    print(f"again, in {time.perf_counter() - began:.0f} s: {said.splitlines()[-1]}")


if __name__ == "__main__":
    main()

"""CPU seconds and memory of every medium: `python -m benchmarks.media --sides 512 2048 8192`.

Each medium runs in a process of its own, so that its peak of memory is its own. A medium is drawn once to load what it
needs; of `--rounds` further drawings the median counts. Above 4096 pixels it is drawn once only.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diffstyle.engines.media.canvas import draw_all
from diffstyle.engines.media.photo import Photo
from diffstyle.engines.media.registry import MEDIA

LARGE = 4096  # pixels, above which there is one round and no warm-up


def photo(side: int) -> npt.NDArray[np.float32]:
    """(side, side, 3): an astronaut, as large as asked."""
    import cv2
    from skimage import data

    pixels = np.asarray(data.astronaut(), np.float32) / np.float32(255)
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_CUBIC), np.float32).clip(0, 1)


def ignored(done: int, total: int) -> None:
    """Strips are not counted here."""
    del done, total


def seconds(name: str, pixels: npt.NDArray[np.float32]) -> float:
    """What planning and drawing a medium takes of the processor, so that other work on the machine does not count."""
    begun = time.process_time()
    medium = MEDIA[name]
    draw = medium.rule(Photo.of(pixels), medium.look, np.random.default_rng(1))
    draw_all(draw, pixels.shape[0], pixels.shape[1], ignored)
    return time.process_time() - begun


def measured(name: str, side: int, rounds: int) -> tuple[float, float]:
    """Median seconds, and the peak of memory in MB."""
    import resource

    pixels = photo(side)
    if side <= LARGE:
        seconds(name, pixels)
    took = [seconds(name, pixels) for _ in range(rounds if side <= LARGE else 1)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return statistics.median(took), peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", type=int, nargs="+", default=[512, 2048, 8192])
    parser.add_argument("--media", nargs="+", default=list(MEDIA), choices=list(MEDIA), metavar="MEDIUM")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        name, side = options.alone
        print(json.dumps(measured(name, int(side), options.rounds)))
        return
    print("| medium | " + " | ".join(f"{side}: s | MB" for side in options.sides) + " |")
    print("|" + "---|" * (1 + 2 * len(options.sides)))
    for name in options.media:
        cells = [name]
        for side in options.sides:
            command = [sys.executable, "-m", "benchmarks.media", "--rounds", str(options.rounds)]
            done = subprocess.run(
                [*command, "--alone", name, str(side)],
                capture_output=True,
                text=True,
                check=True,
                cwd=Path(__file__).parents[1],
            )
            took, peak = json.loads(done.stdout)
            cells += [f"{took:.2f}" if side <= LARGE else f"{took:.0f}", f"{peak:.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

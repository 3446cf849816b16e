"""Speed and memory of the preview beside those of published networks: `python -m benchmarks.preview`."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from benchmarks.neighbours import MicroAST, VggAdaIN
from diffstyle import Picture, Style, Task
from diffstyle.engines.adain.engine import AdaINEngine

ROUNDS = 9


def picture(width: int, height: int, seed: int) -> Picture:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((1, 3, max(2, height // 16), max(2, width // 16)), generator=generator)
    pixels = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")[0]
    return Picture(pixels.contiguous())


def race(runners: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median seconds of each; they run in turns, so that a drift of the machine affects all of them."""
    for run in runners.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, run in runners.items():
            started = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(s) for name, s in seconds.items()}


def fresh(content: Picture) -> Picture:
    """A copy, for which the engine has no cached encoding."""
    return Picture(content.pixels.clone())


@torch.inference_mode()
def speed() -> None:
    engine = AdaINEngine.load(device=torch.device("cpu"))
    known = AdaINEngine.load(device=torch.device("cpu"))
    exact = AdaINEngine.load(device=torch.device("cpu"), dtype=torch.float32)
    style = engine.measure(Style.from_image(picture(512, 512, 1)))
    square, wide = picture(512, 512, 2), picture(1920, 1080, 3)
    square_task = known.prepare(Task(square, style))

    micro, vgg = MicroAST().eval(), VggAdaIN().eval()
    x = square.pixels[None]
    micro_style, vgg_style = micro.style(x), vgg.encoder(x)

    medians = race(
        {
            "VGG-19 AdaIN, float32": lambda: vgg.render(x, vgg_style),
            "MicroAST, float32": lambda: micro.render(x, micro_style),
            "MicroAST, float32, style too": lambda: micro(x, x),
            "diffstyle preview, float32": lambda: exact.render(exact.prepare(Task(fresh(square), style))),
            "diffstyle preview": lambda: engine.render(engine.prepare(Task(fresh(square), style))),
            "diffstyle preview, content known": lambda: known.render(square_task),
            "diffstyle preview, 1920x1080": lambda: engine.render(engine.prepare(Task(fresh(wide), style))),
        }
    )
    ours = medians["diffstyle preview"]
    print(
        f"512x512 unless said, statistics of the style cached, medians of {ROUNDS}, {torch.get_num_threads()} threads"
    )
    for name, seconds in medians.items():
        print(f"  {name:34} {seconds * 1e3:8.1f} ms   {seconds / ours:6.2f} x the preview")


def memory() -> None:
    """Peak memory of a process that repaints one picture of 4096 x 4096 pixels."""
    code = "from benchmarks.preview import paint_large; paint_large()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"4096x4096: {done.stdout.strip()}")


def paint_large() -> None:
    content, style = picture(4096, 4096, 4), Style.from_image(picture(512, 512, 5))
    engine = AdaINEngine.load(device=torch.device("cpu"))
    started = time.perf_counter()
    engine.render(engine.prepare(Task(content, style)))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{seconds:.2f} s, peak memory of the process {peak:.2f} GiB")


if __name__ == "__main__":
    speed()
    memory()

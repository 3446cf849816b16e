"""Contact sheets: rows of pictures of one size, for looking at beside the figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageOps

from diffstyle.core.picture import Picture
from diffstyle.formats.atomic import write_atomic

Pixels = npt.NDArray[np.uint8]
LABEL_HEIGHT, LABEL_LENGTH = 18, 42  # pixels, characters


def row(pictures: Sequence[Picture]) -> Pixels:
    """(h, n * w, 3): pictures of one size side by side, without their alpha."""
    return np.concatenate([p.to_array()[..., :3] for p in pictures], 1)


def column(pictures: Sequence[Picture]) -> Pixels:
    """(n * h, w, 3): pictures of one size below each other, without their alpha."""
    return np.concatenate([p.to_array()[..., :3] for p in pictures], 0)


def fitted_in(picture: Picture, size: tuple[int, int]) -> Pixels:
    """(h, w, 3): a picture without its alpha inside `size` (width, height), in its own shape, on white."""
    return np.asarray(ImageOps.pad(Image.fromarray(picture.to_array()[..., :3]), size, color="white"))


def labelled(pixels: Pixels, text: str) -> Pixels:
    """(h + LABEL_HEIGHT, w, 3): `pixels` below a line of text, which is cut at LABEL_LENGTH characters."""
    image = Image.new("RGB", (pixels.shape[1], pixels.shape[0] + LABEL_HEIGHT), "white")
    image.paste(Image.fromarray(pixels), (0, LABEL_HEIGHT))
    ImageDraw.Draw(image).text((3, 3), text[:LABEL_LENGTH], fill="black")
    return np.asarray(image)


def write_sheet(path: Path, rows: Sequence[Pixels], *, scale: float = 1.0) -> Path:
    """Write rows of one width below each other, as a PNG or JPEG by the suffix of `path`, resized by `scale`."""
    image = Image.fromarray(np.concatenate(list(rows), 0))
    if scale != 1:
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    kind = "PNG" if path.suffix == ".png" else "JPEG"
    write_atomic(path, lambda file: image.save(file, kind, quality=90))
    return path


def write_sheets(folder: Path, name: str, rows: Sequence[Pixels], *, each: int = 4) -> None:
    """`folder/name-00.png`, `folder/name-01.png`, … with `each` rows in every one."""
    for n in range(0, len(rows), each):
        write_sheet(folder / f"{name}-{n // each:02}.png", rows[n : n + each])

"""Pictures as they are painted for a measurement, and as the measures take them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from diffstyle.core.picture import Picture
from diffstyle.evaluation.measures import Array

SIDE, MEASURED = 512, 256


def square(pixels: npt.NDArray[np.uint8], side: int = SIDE) -> Picture:
    """The middle square of a picture (h, w, 3), resampled to `side` pixels."""
    image = Image.fromarray(pixels)
    shorter = min(image.size)
    left, top = (image.width - shorter) / 2, (image.height - shorter) / 2
    box = (left, top, left + shorter, top + shorter)
    return Picture.from_array(np.asarray(image.resize((side, side), Image.Resampling.LANCZOS, box=box)))


def small(picture: Picture) -> Array:
    """(MEASURED, MEASURED, 3) float32 in [0, 1]: a square picture as the measures take it."""
    array = picture.to_pil().resize((MEASURED, MEASURED), Image.Resampling.LANCZOS)
    return np.asarray(array, np.float32) / np.float32(255)

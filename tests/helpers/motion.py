"""Clips with known motion, made from the photos of scikit-image."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import cv2 as untyped
import numpy as np
import numpy.typing as npt
from skimage import data

from diffstyle import Picture
from diffstyle.ops.flow import Array
from diffstyle.video.frames import Frame

cv2: Any = untyped


def photo(name: str = "astronaut") -> Array:
    """A photo of scikit-image, (512, 512, 3) or so, in [0, 1]."""
    return np.asarray(cast("npt.NDArray[np.uint8]", getattr(data, name)()) / 255, np.float32)


def pan(
    frames: int,
    *,
    size: tuple[int, int] = (160, 112),
    step: tuple[float, float] = (2.0, 1.0),
    zoom: float = 1.0,
    noise: float = 0.0,
    name: str = "astronaut",
) -> list[Array]:
    """A camera that moves by `step` pixels a frame (right, down) and comes nearer by `zoom` a frame."""
    picture, rng, made = photo(name), np.random.default_rng(0), list[Array]()
    for n in range(frames):
        scale = 2 / zoom**n
        move = np.array([[scale, 0, 60 + 2 * step[0] * n], [0, scale, 40 + 2 * step[1] * n]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        frame = cv2.warpAffine(cv2.GaussianBlur(picture, (0, 0), 0.8), move, size, flags=flags, borderMode=4)
        made.append(np.asarray((frame + rng.normal(0, noise, frame.shape)).clip(0, 1), np.float32))
    return made


def square_over(frames: int, *, step: int = 4, size: tuple[int, int] = (160, 112)) -> list[Array]:
    """A square of another photo that moves right by `step` pixels a frame before one that stands still."""
    behind, before = pan(1, size=size)[0], pan(1, size=(40, 40), name="chelsea")[0]
    made = [behind.copy() for _ in range(frames)]
    for n, frame in enumerate(made):
        frame[36:76, 20 + step * n : 60 + step * n] = before
    return made


def as_frames(arrays: list[Array], rate: int = 25) -> list[Frame]:
    """Frames of pictures, `rate` a second."""
    pictures = [Picture.from_array((a * 255).round().astype(np.uint8)) for a in arrays]
    return [Frame(n, Fraction(n, rate), picture) for n, picture in enumerate(pictures)]

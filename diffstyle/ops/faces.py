"""Where faces are: a cascade on local binary patterns (Liao et al. 2007), which comes with scikit-image."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import cv2 as untyped
import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.floating[Any]]
cv2: Any = untyped
SIDE = 160  # pixels, the longest side on which faces are looked for
SMALLEST = 24  # pixels there
SKIN = 0.4  # least share of skin in a face
APART = 0.15  # by which that is more than around it: sand and dry grass have the colour of skin, too
_AGREEING = {True: 2, False: 5}  # how many detections make a face, in colour photos and in grey ones


def find_faces(rgb: Array) -> Array:
    """(h, w, 3) in [0, 1] -> (h, w) in [0, 1]: ellipses over faces with soft edges; zeros where none was found."""
    h, w = rgb.shape[:2]
    weight = np.zeros((h, w), np.float32)
    scale = SIDE / max(h, w)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    small = (cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).clip(0, 1) * 255).astype(np.uint8)
    in_colour = float(np.ptp(small, axis=2).mean()) > 6
    skin = _skin(small) if in_colour else np.ones(small.shape[:2], np.float32)
    if min(size) < SMALLEST or float(skin.mean()) < 0.005:
        return weight
    found = _cascade().detect_multi_scale(
        small, 1.2, 1, (SMALLEST, SMALLEST), (SIDE, SIDE), min_neighbor_number=_AGREEING[in_colour]
    )
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    for box in found:
        top, left, side = box["r"], box["c"], box["width"]
        inner, outer = (_mean(skin, top - grow, left - grow, side + 2 * grow) for grow in (0, side))
        if in_colour and (inner < SKIN or inner < outer + APART):
            continue
        middle, half = ((top + side * 0.52) / scale, (left + side / 2) / scale), side / 2 / scale
        off = np.hypot((y - middle[0]) / (half * 1.25), (x - middle[1]) / half)
        weight = np.maximum(weight, ((1.45 - off) / 0.5).clip(0, 1))
    return weight


def _skin(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Array:
    """(h, w): 1 where pixels (h, w, 3) have a colour that skin has (YCrCb ranges after Chai & Ngan 1999)."""
    luma, red, blue = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb))
    return ((luma > 50) & (red > 136) & (red < 176) & (blue > 78) & (blue < 128)).astype(np.float32)


def _mean(field: Array, top: int, left: int, side: int) -> float:
    """The mean of a square, as far as it lies inside."""
    return float(field[max(0, top) : top + side, max(0, left) : left + side].mean())


@cache
def _cascade() -> Any:
    import skimage
    from skimage import feature as untyped_feature

    feature: Any = untyped_feature
    return feature.Cascade(str(Path(skimage.__file__).parent / "data" / "lbpcascade_frontalface_opencv.xml"))

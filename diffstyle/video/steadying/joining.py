"""How a painting that was moved and one that is new become one."""

from __future__ import annotations

from typing import Any

import cv2 as untyped
import numpy as np

from diffstyle.ops.flow import Array, spread, squared
from diffstyle.ops.strips import strips

cv2: Any = untyped
BROAD = 24  # times less than a picture's longer side is the size of what counts as its tones
SMALL = 128  # pixels a side that tones are kept in
OTHER = (0.08, 0.16)  # differences of tone at which two paintings show the same, and at which they do not
FINE, FINE_KERNEL = 2.0, (9, 9)  # pixels: the size of marks whose contrast is kept, and the kernel of that blur
AROUND = 36  # pixels over which contrast is measured
MOST = 1.4  # times that it is raised at most
STRIP = 2**19  # pixels that are computed at once: the numbers in between take much memory


def lerp(a: Array, b: Array, weight: Array | float, *, out: Array | None = None) -> Array:
    """From `a`, where `weight` (h, w) is 0, to `b`, where it is 1; both are (h, w) or (h, w, c), and so is `out`, which
    is written to and may be one of them.
    """
    found = np.empty(a.shape, np.float32) if out is None else out
    for strip in strips(*a.shape[:2], pixels=STRIP):
        rows = strip.target()
        share = weight[rows] if isinstance(weight, np.ndarray) else weight
        if isinstance(share, np.ndarray) and a.ndim == 3:
            share = spread(share, a.shape[2])
        found[rows] = a[rows] + (b[rows] - a[rows]) * share
    return found


def tones(picture: Array) -> Array:
    """The tones of a picture (H, W, 3) without its marks, small."""
    h, w = picture.shape[:2]
    times = max(1, max(h, w) // SMALL)
    small = cv2.resize(picture, (max(1, w // times), max(1, h // times)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), max(h, w) / BROAD / times), np.float32)


def toned(picture: Array, change: Array) -> Array:
    """`picture` with a `change` of its tones added."""
    wide = np.asarray(cv2.resize(change, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    return np.add(picture, wide, out=wide)


def agreement(apart: Array) -> Array:
    """How far two paintings whose tones are `apart` (h, w, 3) show the same: (h, w) from 0 to 1.

    What an engine draws on the frame and not on what it shows, such as the edges of the paper, does not move with it.
    """
    ramp = ((np.abs(apart).max(-1) - OTHER[0]) / (OTHER[1] - OTHER[0])).clip(0, 1)
    return np.asarray(1 - ramp * ramp * (3 - 2 * ramp), np.float32)


def resized_to(small: Array, like: Array) -> Array:
    """A map (h, w) at the size of `like` (H, W, ...): (H, W)."""
    return np.asarray(cv2.resize(small, like.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def contrasted(mixed: Array, model: Array) -> Array:
    """`mixed` with the contrast of fine marks that `model` has around each pixel: mixing and moving lower it."""
    want, have = _contrast(_marks(model)), _contrast(fine := _marks(mixed))
    gain = resized_to(np.sqrt((want + 1e-6) / (have + 1e-6)).clip(1, MOST) - 1, mixed)
    for strip in strips(*mixed.shape[:2], pixels=STRIP):
        rows = strip.target()
        fine[rows] = mixed[rows] + fine[rows] * spread(gain[rows], 3)
    return fine


def _marks(picture: Array) -> Array:
    """The fine marks of a picture (H, W, 3), without its tones."""
    blurred = np.asarray(cv2.GaussianBlur(picture, FINE_KERNEL, FINE), np.float32)
    return np.subtract(picture, blurred, out=blurred)


def _contrast(marks: Array) -> Array:
    """The energy of marks (H, W, 3) around each place, at a quarter of the size: it is smooth."""
    h, w = marks.shape[:2]
    energy = cv2.resize(squared(marks), (max(1, w // 4), max(1, h // 4)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.blur(energy, (AROUND // 4, AROUND // 4)), np.float32)

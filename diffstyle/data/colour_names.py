"""Named colours, and how much of a picture each one covers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from diffstyle.ops.lab import Array, to_lab

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "black": (18, 16, 18),
    "dark grey": (78, 78, 80),
    "grey": (136, 136, 136),
    "light grey": (208, 208, 208),
    "white": (250, 250, 248),
    "cream": (246, 234, 206),
    "tan": (206, 172, 124),
    "brown": (136, 90, 50),
    "sepia": (74, 48, 28),
    "maroon": (100, 18, 30),
    "red": (206, 40, 38),
    "orange": (238, 130, 34),
    "terracotta": (190, 92, 60),
    "gold": (206, 158, 48),
    "yellow": (246, 212, 52),
    "olive": (116, 118, 52),
    "green": (56, 156, 70),
    "dark green": (18, 68, 42),
    "pale green": (196, 226, 190),
    "turquoise": (44, 180, 174),
    "teal": (18, 124, 128),
    "dark teal": (10, 72, 80),
    "blue": (40, 98, 206),
    "navy blue": (22, 34, 86),
    "indigo": (46, 32, 112),
    "pale blue": (190, 216, 238),
    "slate blue": (104, 128, 156),
    "purple": (92, 30, 110),
    "violet": (146, 82, 202),
    "pink": (238, 112, 160),
    "magenta": (200, 28, 136),
    "pale pink": (246, 214, 214),
    "rose": (196, 128, 122),
}
"""sRGB of the colours that captions name."""

SHADES: Mapping[str, tuple[str, ...]] = {
    "grey": ("dark grey", "light grey"),
    "brown": ("sepia", "tan"),
    "red": ("maroon",),
    "orange": ("terracotta",),
    "green": ("dark green", "pale green", "olive"),
    "turquoise": ("teal", "dark teal"),
    "blue": ("navy blue", "indigo", "pale blue", "slate blue"),
    "purple": ("violet",),
    "pink": ("pale pink", "rose", "magenta"),
    "yellow": ("gold",),
}
"""Shades that also count as the colour itself."""

_SIDE = 64


@lru_cache(maxsize=1)
def _palette() -> Array:
    return to_lab(np.array(list(COLOURS.values()), np.float32) / np.float32(255))


def coverage(pixels: npt.NDArray[np.uint8]) -> dict[str, float]:
    """The fraction of a picture (h, w, 3) whose nearest named colour in CIELAB is this one or one of its shades."""
    h, w = (int(n) for n in pixels.shape[:2])
    rows = np.linspace(0, h - 1, min(h, _SIDE)).round().astype(int)
    columns = np.linspace(0, w - 1, min(w, _SIDE)).round().astype(int)
    sample = to_lab(pixels[rows][:, columns].reshape(-1, 3).astype(np.float32) / np.float32(255))
    weights = np.array([0.8, 1, 1], np.float32)  # hue distinguishes names more than lightness does
    distance = np.square((sample[:, None] - _palette()) * weights).sum(2)
    own = dict(zip(COLOURS, np.bincount(distance.argmin(1), minlength=len(COLOURS)) / len(sample), strict=True))
    return {name: float(part + sum(own[s] for s in SHADES.get(name, ()))) for name, part in own.items()}

"""Named colours, and random inks for a rendering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffstyle.data.procedural.fields import Array
from diffstyle.ops.luma import LUMA

DARK = {
    "black": (18, 16, 18),
    "navy blue": (20, 32, 84),
    "indigo": (44, 30, 110),
    "dark green": (14, 64, 40),
    "maroon": (96, 14, 28),
    "sepia": (78, 48, 24),
    "dark teal": (6, 66, 74),
    "purple": (76, 20, 92),
}
BRIGHT = {
    "red": (214, 40, 36),
    "orange": (240, 130, 30),
    "yellow": (246, 206, 44),
    "green": (52, 158, 70),
    "turquoise": (38, 178, 172),
    "blue": (36, 96, 206),
    "pink": (240, 110, 160),
    "violet": (142, 76, 200),
}
LIGHT = {
    "white": (250, 250, 248),
    "cream": (246, 234, 206),
    "pale blue": (206, 226, 240),
    "pale pink": (248, 220, 220),
    "pale green": (216, 236, 212),
    "kraft brown": (206, 172, 124),
    "light grey": (214, 214, 214),
}


@dataclass(frozen=True, slots=True)
class Inks:
    """A dark ink, a light paper and two accents, each (3,) in [0, 1], and the names of ink and paper."""

    ink: Array
    paper: Array
    accents: tuple[Array, Array]
    ink_name: str
    paper_name: str

    def between(self, tone: Array) -> Array:
        """Tones (h, w) from 0, all ink, to 1, all paper -> colours (h, w, 3)."""
        return (self.ink + (self.paper - self.ink) * tone[..., None]).astype(np.float32)


def draw_inks(rng: np.random.Generator) -> Inks:
    """Random inks from the named colours."""
    ink, paper = str(rng.choice(list(DARK))), str(rng.choice(list(LIGHT)))
    first, second = (str(name) for name in rng.choice(list(BRIGHT), 2, replace=False))
    return Inks(_rgb(DARK[ink]), _rgb(LIGHT[paper]), (_rgb(BRIGHT[first]), _rgb(BRIGHT[second])), ink, paper)


def tinted(picture: Array, rng: np.random.Generator) -> Array:
    """A picture (h, w, 3) recoloured, by a random amount, to a scale of a dark, a bright and a light named colour."""
    stops = [_rgb(table[str(rng.choice(list(table)))]) for table in (DARK, BRIGHT, LIGHT)]
    scale = luma(picture) * 2
    low = stops[0] + (stops[1] - stops[0]) * scale.clip(0, 1)[..., None]
    mapped = low + (stops[2] - low) * (scale - 1).clip(0, 1)[..., None]
    amount = np.float32(rng.uniform(0.5, 1))
    return (picture + (mapped - picture) * amount).astype(np.float32)


def luma(picture: Array) -> Array:
    """sRGB (h, w, 3) -> luma (h, w), with the 2nd and 98th percentile stretched to 0 and 1."""
    grey = picture @ np.array(LUMA, np.float32)
    low, high = np.percentile(grey, (2, 98))
    return ((grey - low) / max(float(high - low), 0.05)).clip(0, 1).astype(np.float32)


def saturated(picture: Array, gain: float) -> Array:
    """Colours (..., 3) with their difference from grey multiplied by `gain`."""
    grey = picture.mean(-1, keepdims=True)
    return (grey + (picture - grey) * gain).clip(0, 1)


def _rgb(colour: tuple[int, int, int]) -> Array:
    return np.array(colour, np.float32) / np.float32(255)

"""The colours and the grain that a medium is drawn with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffstyle.engines.media.canvas import Array
from diffstyle.ops.luma import LUMA

WIDE_RANGE = 0.45  # of brightness, from which on colours alone show the tones


@dataclass(frozen=True, slots=True)
class Look:
    """`ink` and `paper` (3,) are sRGB; `inks` are the further colours of media that use several, darkest first.

    `grain` scales every mark, 1 is the medium's own. `said` is whether words named the colours.
    """

    ink: Array
    paper: Array
    inks: tuple[Array, ...] = ()
    grain: float = 1.0
    said: bool = False

    @property
    def light_on_dark(self) -> bool:
        """Whether the ink is lighter than the paper."""
        return brightness(self.ink) > brightness(self.paper)

    def amount(self, tone: Array) -> Array:
        """Tones (h, w), 0 is black -> the share of ink that gives them."""
        return tone if self.light_on_dark else 1 - tone

    def between(self, amount: Array) -> Array:
        """The share of ink (h, w) in each pixel -> colours (h, w, 3)."""
        return self.paper + (self.ink - self.paper) * amount[..., None]


def brightness(colour: Array) -> float:
    """Luma of a colour (3,)."""
    return float(colour @ np.array(LUMA, np.float32))


def rgb(colour: str) -> Array:
    """ "#rrggbb" -> (3,) in [0, 1]."""
    return np.array([int(colour[n : n + 2], 16) for n in (1, 3, 5)], np.float32) / np.float32(255)


def saturated(colours: Array, gain: float) -> Array:
    """Colours (..., 3) with their difference from grey multiplied by `gain`, in [0, 1]."""
    grey = (colours @ np.array(LUMA, np.float32))[..., None]
    return (grey + (colours - grey) * np.float32(gain)).clip(0, 1)


def ramp(colours: tuple[Array, ...], tone: Array) -> Array:
    """Tones (h, w) in [0, 1] -> (h, w, 3): a scale from the darkest of `colours` to the lightest.

    Colours of nearly one lightness are given a dark and a light shade at the ends, so that shapes stay readable.
    """
    stops = sorted(colours, key=brightness)
    places = list(np.linspace(0, 1, len(stops))) if len(stops) > 1 else [0.5]
    if brightness(stops[-1]) - brightness(stops[0]) < WIDE_RANGE:
        places = [0.0, *(0.22 + 0.56 * place for place in places), 1.0]
        stops = [stops[0] * 0.25, *stops, 1 - (1 - stops[-1]) * 0.25]
    return np.stack([np.interp(tone, places, [s[c] for s in stops]) for c in range(3)], -1).astype(np.float32)


def palette(pixels: Array, count: int, rng: np.random.Generator, *, rounds: int = 8) -> Array:
    """(count, 3): the colours that stand for (n, 3) best (k-means++, Arthur & Vassilvitskii 2007)."""
    sample = pixels[rng.integers(0, len(pixels), min(len(pixels), 6000))]
    centres = sample[:1]
    for _ in range(count - 1):
        apart = np.square(sample[:, None] - centres[None]).sum(2).min(1) + 1e-9
        centres = np.concatenate([centres, sample[rng.choice(len(sample), 1, p=apart / apart.sum())]])
    for _ in range(rounds):
        owner = nearest(sample, centres)
        sizes = np.bincount(owner, minlength=count)
        sums = np.stack([np.bincount(owner, sample[:, c], count) for c in range(3)], 1)
        centres = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1)[:, None], centres).astype(np.float32)
    return centres


def nearest(pixels: Array, colours: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """For each of (n, 3) the index of the nearest of (k, 3)."""
    return (np.square(colours).sum(1)[None] - 2 * pixels @ colours.T).argmin(1)

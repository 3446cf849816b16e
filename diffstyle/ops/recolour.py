"""A picture in few named colours: its hues and tones move to them, its light and dark structure stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffstyle.ops.lab import Array, to_lab, to_srgb

RANK = 0.5  # share of a tone's rank among all tones in its place on the scale, against its lightness
PLATEAU = 0.35  # share of each step of the scale that has one colour
RANGE = 45.0  # of lightness, below which a dark and a light shade are added to the colours
SHADES = 0.3  # how far these shades lie from the colour, in shares of the way to black and to white
HUES = 0.12  # share of the picture's own variation of hue that is kept
_PLACES = 256


def recoloured(pixels: Array, colours: Sequence[Array]) -> Array:
    """sRGB (h, w, 3) on a scale of `colours` (3,), from the darkest where it is dark to the lightest where it is light.

    Each colour gets about as much of the picture as the others. ValueError without colours.
    """
    lab = to_lab(pixels)
    stops = _stops([to_lab(np.asarray(c, np.float32)[None])[0] for c in colours])
    place = _places(lab[..., 0]) * (len(stops) - 1)
    step = np.floor(place).clip(0, len(stops) - 2 if len(stops) > 1 else 0)
    within = ((place - step - PLATEAU / 2) / (1 - PLATEAU)).clip(0, 1)
    within = within * within * (3 - 2 * within)
    scale = np.stack(stops)
    low, high = scale[step.astype(int)], scale[np.minimum(step.astype(int) + 1, len(stops) - 1)]
    out = low + (high - low) * within[..., None]
    # Within a plateau the picture's own lights and hues still show, so that marks stay visible.
    out[..., 0] += 0.25 * (lab[..., 0] - _mean_by(lab[..., 0], np.rint(place)))
    out[..., 1:] += HUES * (lab[..., 1:] - lab[..., 1:].mean((0, 1)))
    return to_srgb(out.astype(np.float32))


def _stops(colours: list[Array]) -> list[Array]:
    """The colours from dark to light; of colours of nearly one lightness, with a dark and a light shade at the ends."""
    stops = sorted(colours, key=lambda c: float(c[0]))
    if stops[-1][0] - stops[0][0] >= RANGE:
        return stops
    dark, light = stops[0].copy(), stops[-1].copy()
    dark *= np.array((1 - 1.6 * SHADES, 0.8, 0.8), np.float32)
    white = np.array((97, light[1] * 0.4, light[2] * 0.4), np.float32)
    return [dark, *stops, (light + np.float32(1.4 * SHADES) * (white - light)).astype(np.float32)]


def _places(light: Array) -> Array:
    """Lightness (h, w) -> (h, w) in [0, 1], ascending in it."""
    levels = np.quantile(light, np.linspace(0, 1, _PLACES)) + np.arange(_PLACES) * 1e-4
    rank = np.interp(light, levels, np.linspace(0, 1, _PLACES))
    low, high = levels[_PLACES // 50], levels[-_PLACES // 50]
    even = ((light - low) / max(float(high - low), 1.0)).clip(0, 1)
    return (RANK * rank + (1 - RANK) * even).astype(np.float32)


def _mean_by(values: Array, groups: Array) -> Array:
    """For each place the mean of `values` over the places of its group."""
    index = groups.astype(int)
    sums, counts = np.bincount(index.ravel(), values.ravel()), np.bincount(index.ravel())
    return (sums / np.maximum(counts, 1))[index].astype(np.float32)

"""Media made of dots and dabs."""

from __future__ import annotations

import numpy as np

from diffstyle.data.procedural.fields import Array, blur, coordinates, distance_to, gradient, size
from diffstyle.data.procedural.palette import Inks, luma, saturated


def halftone(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """One screen of round dots, larger where it is darker."""
    y, x = coordinates(*size(photo))
    angle = rng.uniform(0, np.pi / 2)
    u = (x * np.cos(angle) + y * np.sin(angle)) * np.pi / stroke
    v = (y * np.cos(angle) - x * np.sin(angle)) * np.pi / stroke
    screen = (np.cos(u) * np.cos(v) + 1) / 2
    tone = blur(luma(photo), stroke / 3)
    return inks.between(((tone - screen) * stroke + 0.5).clip(0, 1).astype(np.float32))


def stipple(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Small dots of one size, closer together where it is darker."""
    tone = luma(photo)
    side = max(2.0, stroke * 0.45)
    h, w = size(tone)
    count = int(h * w / side**2 * 1.6)
    ys, xs = rng.uniform(0, h, count), rng.uniform(0, w, count)
    keep = rng.uniform(0, 1, count) > tone[ys.astype(int), xs.astype(int)] ** 0.7 + 0.05
    marks = np.zeros((h, w), np.bool_)
    marks[ys[keep].astype(int), xs[keep].astype(int)] = True
    return inks.between((distance_to(marks) - side * 0.42 + 0.5).clip(0, 1))


def pointillism(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Dots of pure, strong colours that jitter around the photo's."""
    canvas = np.broadcast_to(inks.paper, photo.shape).copy()
    return _dabs(canvas, saturated(photo, 1.9), stroke * 0.4, 1.0, 2.6, 0.16, rng)


def oil_dabs(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Elongated dabs along the contours, large ones first, small ones where there is detail."""
    rich = saturated(photo, 1.35)
    canvas = rich.mean((0, 1)) * 0.6 + inks.accents[0] * 0.4 + np.zeros_like(photo)
    for width, density in ((1.6, 2.0), (0.8, 1.6), (0.45, 1.2)):
        canvas = _dabs(canvas.astype(np.float32), rich, stroke * width, 3.2, density, 0.05, rng)
    return canvas


def _dabs(
    canvas: Array,
    colours: Array,
    radius: float,
    stretch: float,
    density: float,
    jitter: float,
    rng: np.random.Generator,
) -> Array:
    """Ellipses painted over `canvas` at random places, along the edges of `colours`, in its jittered colours."""
    h, w = size(canvas)
    radius = max(1.2, radius)
    count = int(density * h * w / (np.pi * radius**2 * stretch))
    grey = blur(colours.mean(2), radius)
    along = np.arctan2(*gradient(grey)) + np.pi / 2
    margin = int(np.ceil(radius * stretch))
    yy, xx = (c - margin for c in coordinates(2 * margin + 1, 2 * margin + 1))
    padded = np.pad(canvas, ((margin, margin), (margin, margin), (0, 0)))
    ys, xs = rng.integers(0, h, count), rng.integers(0, w, count)
    turns = rng.normal(0, 0.25, count)
    tints = rng.normal(0, jitter, (count, 3)) + rng.normal(0, jitter, (count, 1)) * 0.6
    for y, x, turn, tint in zip(ys, xs, turns, tints, strict=True):
        angle = float(along[y, x]) + turn
        u = (xx * np.cos(angle) + yy * np.sin(angle)) / (radius * stretch)
        v = (yy * np.cos(angle) - xx * np.sin(angle)) / radius
        alpha = ((1 - np.hypot(u, v)) * radius).clip(0, 1)[..., None]
        patch = padded[y : y + 2 * margin + 1, x : x + 2 * margin + 1]
        patch += (np.clip(colours[y, x] + tint, 0, 1) - patch) * alpha
    return padded[margin:-margin, margin:-margin]

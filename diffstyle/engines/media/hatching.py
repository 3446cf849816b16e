"""Tones of lines: hatching, cross-hatching, engraving, etching, contour lines."""

from __future__ import annotations

import numpy as np

from diffstyle.engines.media.canvas import Array, Draw, Window
from diffstyle.engines.media.look import Look
from diffstyle.engines.media.photo import Photo, Rng, contours, evened
from diffstyle.ops.lines import along, blur, noise


def hatching(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Pen strokes in one direction, closer and thicker where it is darker, over thin outlines."""
    layers = ((rng.uniform(-0.95, -0.7), 0.03, 1.3),)
    return _hatched(photo, look, rng, layers, outline=1.5)


def cross_hatching(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Layers of pen strokes in four directions, one more for each step of darkness."""
    first = rng.uniform(-0.9, -0.7)
    levels = ((0.0, 0.06), (np.pi / 2, 0.34), (np.pi / 4, 0.56), (-np.pi / 4, 0.74))
    return _hatched(photo, look, rng, tuple((first + turn, least, 0.8) for turn, least in levels), outline=1.5)


def engraving(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Fine lines that bend with the relief of the tones and swell with the shade, crossed by others in the shadows, as
    on a banknote.
    """
    pitch = 5.4 * look.grain
    amount = look.amount(_keen(photo))
    relief = blur(photo.tone, 9.0) * 3.2 + blur(photo.tone, 30.0) * 5.0
    angle, phases = rng.uniform(0.35, 0.6), rng.uniform(0, 1, 2)
    outline = contours(photo, 1.3 * look.grain, sensitivity=0.9)

    def draw(window: Window) -> Array:
        y, x = window.grid()
        bend, dark = window.sample(relief), window.sample(amount)
        one = _lines(window, y, x, angle, pitch, phases[0], bend, (dark * 0.98).clip(0, 0.86))
        two = _lines(window, y, x, angle + 1.15, pitch, phases[1], bend * -0.7, ((dark - 0.52) * 1.5).clip(0, 0.8))
        lines = window.cover((window.sample(outline) - 0.6) * 3) if not look.light_on_dark else np.float32(0)
        return look.between(np.maximum(np.maximum(one, two), lines))

    return draw


def etching(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Free needle lines that follow the forms, cross in the shadows and leave bare plate tone in the lights."""
    amount = look.amount(_keen(photo)) * (1 - 0.35 * photo.faces)  # needle lines would age a face
    turned = (photo.flow + 0.25 * noise(photo.shape, 30.0, rng)).astype(np.float32)
    layers = [
        (evened(along(noise(photo.shape, 0.45 * look.grain, rng), turned + turn, 30 * look.grain)), least)
        for turn, least in ((0.0, 0.04), (0.9, 0.4), (-0.7, 0.66))
    ]
    outline = contours(photo, 1.2 * look.grain, sensitivity=1.2)
    plate = 0.05 * noise(photo.shape, 40.0, rng) + 0.03 * noise(photo.shape, 0.8, rng) + 0.05

    def draw(window: Window) -> Array:
        dark = window.sample(amount)
        ink = window.cover((window.sample(outline) - 0.55) * 4) * 0.9
        for field, least in layers:
            share = ((dark - least) / (1 - least)).clip(0, 1) * 0.8
            ink = np.maximum(ink, window.cover((share - window.sample(field)) * (2.8 * look.grain)) * (share > 0.02))
        return look.between((ink + window.sample(plate)).clip(0, 1))

    return draw


def contour_lines(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Lines of equal tone, as of equal height on a map; every fifth is thicker."""
    steps = 22 / look.grain
    field = blur(photo.tone, 2.0 + 1.2 * look.grain) * 0.92 + 0.03 * noise(photo.shape, 26.0, rng)
    height = (field * steps + rng.uniform(0, 1)).astype(np.float32)
    down, across = (np.asarray(part, np.float32) for part in np.gradient(height))
    slope = np.hypot(down, across) + np.float32(0.004)
    light, shade = look.amount(photo.tone), 0.16 * look.amount(blur(photo.tone, 3.0))

    def draw(window: Window) -> Array:
        level, steep = window.sample(height), window.sample(slope).clip(0.004, None)
        nearest = np.rint(level)
        thick = np.where(nearest % 5 == 0, np.float32(1.05), np.float32(0.5)) * (0.6 + 0.9 * window.sample(light))
        line = window.cover(thick * look.grain - np.abs(level - nearest) / steep)
        return look.between(np.maximum(line, window.sample(shade)))

    return draw


def _hatched(
    photo: Photo, look: Look, rng: Rng, layers: tuple[tuple[float, float, float], ...], *, outline: float
) -> Draw:
    """`layers` are the angle of lines, the darkness at which they begin, and their greatest share."""
    pitch = 6.4 * look.grain
    amount = look.amount(_keen(photo))
    h, w = photo.shape
    waver = [(0.45 * noise((h, w), 22.0, rng) + 0.1 * noise((h, w), 3.0, rng), noise((h, w), 4.0, rng)) for _ in layers]
    phases = rng.uniform(0, 1, len(layers))
    lines = contours(photo, outline * look.grain)

    def draw(window: Window) -> Array:
        y, x = window.grid()
        dark = window.sample(amount)
        ink = window.cover((window.sample(lines) - 0.5) * 4)
        for (angle, least, most), phase, (bend, pressure) in zip(layers, phases, waver, strict=True):
            share = ((dark - least) / (1 - least)).clip(0, 1)
            begun = ((dark - least) * 14 + 0.4 * window.sample(pressure)).clip(0, 1)  # strokes taper where they end
            width = (0.17 + 0.5 * share) * begun * most
            ink = np.maximum(ink, _lines(window, y, x, angle, pitch, float(phase), window.sample(bend), width))
        return look.between(ink)

    return draw


def _lines(
    window: Window, y: Array, x: Array, angle: float, pitch: float, phase: float, bend: Array, share: Array
) -> Array:
    """(rows, width): parallel lines `pitch` units apart that cover `share` of the paper, shifted by `bend` pitches."""
    across = (y * np.float32(np.cos(angle)) + x * np.float32(np.sin(angle))) * np.float32(1 / pitch)
    off = np.abs((across + bend + np.float32(phase)) % 1 - np.float32(0.5)) * np.float32(pitch)
    return window.cover(share * np.float32(pitch / 2) - off) * (share > 0.01)


def _keen(photo: Photo) -> Array:
    """The tones with fine detail raised, for media whose grain would hide it."""
    return (photo.tone + 0.8 * (photo.tone - blur(photo.tone, 3.0))).clip(0, 1)

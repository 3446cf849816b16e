"""Drawings that live by their outlines: ink, pencil, crayon, chalk, blueprint, neon."""

from __future__ import annotations

import numpy as np

from diffstyle.engines.media.canvas import Array, Draw, Window
from diffstyle.engines.media.look import Look, ramp, saturated
from diffstyle.engines.media.photo import Photo, Rng, contours, evened
from diffstyle.ops.lines import along, blur, noise


def ink_drawing(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Sharp pen lines along the contours, and solid ink in the deepest shadows."""
    thin, bold = contours(photo, 1.2 * look.grain, sensitivity=1.7), contours(photo, 2.4 * look.grain, sensitivity=1.2)
    tone = blur(photo.tone, 2.0)
    dark = min(0.16, float(np.quantile(tone, 0.14)) + 0.02)
    hand = 0.07 * noise(photo.shape, 2.5, rng)
    solid = tone if not look.light_on_dark else np.ones_like(tone)

    def draw(window: Window) -> Array:
        uneven = window.sample(hand)
        lines = np.maximum(window.sample(thin) - 0.5, (window.sample(bold) - 0.58) * 0.9) + uneven * 0.5
        ink = window.cover(lines * 6)
        return look.between(np.maximum(ink, window.cover((dark - window.sample(solid)) * 40)))

    return draw


def pencil(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Soft graphite: slanted strokes for the shades, darker lines on the contours, the tooth of the paper in both."""
    h, w = photo.shape
    slant = np.full((h, w), rng.uniform(-1.0, -0.75), np.float32)
    strokes = along(noise((h, w), 0.8 * look.grain, rng), slant + 0.08 * noise((h, w), 40.0, rng), 26 * look.grain)
    second = along(noise((h, w), 0.8 * look.grain, rng), slant + np.float32(0.7), 18 * look.grain)
    grain, crossing = evened(strokes), evened(second)
    tooth = noise((h, w), 0.7, rng)
    amount = look.amount((photo.tone + 0.7 * (photo.tone - blur(photo.tone, 2.5))).clip(0, 1))
    lines = contours(photo, 1.4 * look.grain, sensitivity=1.2)

    def draw(window: Window) -> Array:
        dark = window.sample(amount)
        hatch = ((dark * 1.15 - 0.08) - 0.75 * window.sample(grain)).clip(0, 1) * 1.25
        deep = ((dark - 0.5) * 1.5 - 0.5 * window.sample(crossing)).clip(0, 1)
        drawn = 0.85 * ((window.sample(lines) - 0.35) * 1.8).clip(0, 1)
        shade = 1 - (1 - hatch.clip(0, 0.9)) * (1 - 0.75 * drawn) * (1 - 0.7 * deep) * (1 - 0.16 * dark)
        return look.between((shade * (1 + 0.13 * window.sample(tooth))).clip(0, 0.97))

    return draw


def crayon(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Waxy strokes of strong colour, in patches of one direction each, that skip the hollows of the paper; thick dark
    outlines.
    """
    h, w = photo.shape
    colours = ramp(look.inks, photo.tone) if look.said else saturated(blur(photo.flat, 1.5), 1.75)
    patches = np.tanh(3 * noise((h, w), 45.0, rng)) * np.float32(0.35)
    strokes = along(noise((h, w), 1.5 * look.grain, rng), patches - np.float32(0.8), 30 * look.grain)
    strokes = evened(strokes)
    tooth = noise((h, w), 1.1, rng)
    drawn = contours(photo, 2.4 * look.grain)
    tint = 0.07 * noise((h, w), 2.5, rng)
    thick = 0.86 - 0.55 * colours.min(2)

    def draw(window: Window) -> Array:
        wax = window.sample(strokes) * 0.8 + 0.2 * window.sample(tooth)
        cover = ((window.sample(thick) + 0.42 - wax) * 1.5).clip(0.4, 0.97)[..., None]
        paint = (window.sample(colours) * (1 + window.sample(tint))[..., None]).clip(0, 1) ** 1.12
        out = look.paper * (1 - cover) + paint * cover
        line = ((window.sample(drawn) - 0.5 - 0.10 * window.sample(tooth)) * 3).clip(0, 1)[..., None] * 0.85
        return out * (1 - line) + (look.ink * 0.7 + paint * 0.2) * line

    return draw


def chalk(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Chalk on a wiped blackboard: crumbling lines, rubbed highlights."""
    h, w = photo.shape
    slant = np.full((h, w), rng.uniform(-0.95, -0.7), np.float32)
    strokes = evened(along(noise((h, w), 1.2 * look.grain, rng), slant, 24 * look.grain))
    tooth = noise((h, w), 0.8, rng)
    wiped = along(noise((h, w), 14.0, rng), slant * np.float32(0.4), 90.0)
    wiped = 0.035 * wiped / np.float32(wiped.std() + 1e-6)
    keen = (photo.tone + 0.9 * (photo.tone - blur(photo.tone, 5.0)) + 0.3 * (photo.tone - blur(photo.tone, 40.0))).clip(
        0, 1
    )
    light = keen if look.light_on_dark else 1 - keen
    lines = contours(photo, 1.9 * look.grain, sensitivity=1.1, light=look.light_on_dark)

    def draw(window: Window) -> Array:
        crumbs = 0.16 * window.sample(tooth)
        bright = window.sample(light)
        rubbed = (bright - 0.26 - 0.34 * window.sample(strokes) + crumbs * bright) * 1.7
        line = (window.sample(lines) - 0.42 + crumbs * 1.3) * 2.6
        chalky = 1 - (1 - rubbed.clip(0, 0.9)) * (1 - line.clip(0, 0.95))
        return look.between((chalky + window.sample(wiped) + 0.03).clip(0, 1))

    return draw


def blueprint(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Fine white lines on blue, faint hatching in the lights, a measured grid and a border."""
    h, w = photo.shape
    lines = contours(photo, 1.25 * look.grain, sensitivity=1.35)
    light = blur(photo.tone, 1.5)
    worn = 0.03 * noise((h, w), 30.0, rng) + 0.012 * noise((h, w), 0.8, rng)
    step, phase = 40.0, rng.uniform(0, 40, 2)

    def draw(window: Window) -> Array:
        y, x = window.grid()
        grid = np.maximum(_ruled(window, y, step, phase[0]), _ruled(window, x, step, phase[1])) * 0.22
        fine = np.maximum(_ruled(window, y, step / 5, phase[0]), _ruled(window, x, step / 5, phase[1])) * 0.07
        hatch = np.abs(((y + x) / (5 * look.grain)) % 1 - 0.5) * (5 * look.grain)
        shade = window.cover((window.sample(light) - 0.35) * 1.9 * look.grain - hatch) * 0.38
        edge = np.minimum(np.minimum(y, h - y), np.minimum(x, w - x))
        frame = window.cover(1.1 - np.abs(edge - 11))
        inside = window.cover(edge - 11)
        drawn = window.cover((window.sample(lines) - 0.5) * 5)
        white = np.maximum(np.maximum(drawn, shade) * inside, np.maximum(np.maximum(grid, fine) * inside, frame))
        return look.between(white.clip(0, 1)) * (1 + window.sample(worn))[..., None]

    return draw


def neon(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Glowing tubes along the contours, in the hues of the photo or in the colours named, over a dim night."""
    h, w = photo.shape
    bright = contours(photo, 2.3 * look.grain, sensitivity=1.05)
    if look.said or float(np.ptp(photo.rgb, axis=2).mean()) < 0.06:
        where = (blur(photo.luma, 12.0) + 0.25 * noise((h, w), 60.0, rng)).clip(0, 1)
        hue = _blend(look.inks, evened(where))
    else:
        vivid = saturated(blur(photo.flat, 5.0), 4.0)
        vivid = vivid / (vivid.max(2, keepdims=True) + 1e-3)
        accents = _blend(look.inks, evened(noise((h, w), 70.0, rng)))
        grey = (1 - np.ptp(vivid, axis=2, keepdims=True)).clip(0, 1)
        hue = vivid * (1 - grey) + accents * grey
    hue = blur(hue.astype(np.float32), 3.0)
    tube = ((bright - 0.35) * 2).clip(0, 1)
    glow = 0.9 * blur(tube, 4.0 * look.grain) + 0.9 * blur(tube, 14.0 * look.grain)
    night = look.paper + 0.10 * np.square(photo.rgb) * (0.4 + hue)

    def draw(window: Window) -> Array:
        level = window.sample(bright)
        core = window.cover((level - 0.62) * 5)[..., None]
        halo = (window.sample(glow)[..., None] + 0.8 * window.cover((level - 0.4) * 5)[..., None]) * window.sample(hue)
        return window.sample(night) + halo * (1 - 0.5 * core) + core * (0.55 + 0.45 * window.sample(hue))

    return draw


def _ruled(window: Window, place: Array, step: float, phase: float) -> Array:
    """Thin lines every `step` units along one axis."""
    return window.cover(0.45 - np.abs((place + np.float32(phase)) % np.float32(step) - np.float32(step / 2)))


def _blend(colours: tuple[Array, ...], place: Array) -> Array:
    """(h, w) in [0, 1] -> (h, w, 3): the colours in their own order."""
    at = np.linspace(0, 1, max(2, len(colours)))
    stops = colours if len(colours) > 1 else colours * 2
    return np.stack([np.interp(place, at, [c[n] for c in stops]) for n in range(3)], -1).astype(np.float32)

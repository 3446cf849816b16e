"""Media made of lines."""

from __future__ import annotations

import numpy as np

from diffstyle.procedural.fields import Array, blur, coordinates, noise, size
from diffstyle.procedural.palette import Inks, luma


def cross_hatching(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Up to four layers of slightly wavering parallel lines, one more for each step of darkness."""
    tone = blur(luma(photo), stroke / 4)
    paper = np.ones_like(tone)
    start = rng.uniform(0, np.pi)
    for n, level in enumerate((0.8, 0.6, 0.4, 0.22)):
        lines = _parallel(size(tone), stroke * 0.8, start + n * np.pi / 4, rng)
        paper = np.minimum(paper, np.where(tone < level, lines, 1))
    return inks.between(np.minimum(paper, _outline(photo, stroke * 0.2, 0.3)).astype(np.float32))


def woodcut(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Carved lines that follow the forms and swell with the shade; black shadows, bare lights."""
    smooth = blur(luma(photo), stroke / 2)
    phase = _along_contours(smooth, stroke * 1.2, rng)
    carved = (np.cos(phase) + 1) / 2
    tone = ((smooth - 0.15) / 0.6 - carved) * 4 + 0.5
    return inks.between(tone.clip(0, 1).astype(np.float32))


def engraving(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Fine parallel lines bent by the relief of the tones, whose width is the shade."""
    tone = luma(photo)
    y, x = coordinates(*size(tone))
    angle = rng.uniform(0, np.pi)
    bend = blur(tone, stroke) * stroke * 3
    wave = np.cos((x * np.cos(angle) + y * np.sin(angle) + bend) * 2 * np.pi / max(3.0, stroke * 0.7))
    ink = (tone * 1.1 - (wave + 1) / 2) * 2.5 + 0.5
    return inks.between(ink.clip(0, 1).astype(np.float32))


def pencil(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Soft outlines and slanted grain on toothed paper."""
    tone = luma(photo)
    blurred = blur(tone, stroke)
    dodge = (tone / (blurred + 0.05)).clip(0, 1)
    slant = np.float32(rng.uniform(0.5, 1.5))
    y, x = coordinates(*size(tone))
    streaks = noise((2 * sum(size(tone)), sum(size(tone))), (0.6, max(1.0, stroke / 3)), rng)
    grain = streaks[(y + slant * x).astype(int) % len(streaks), x.astype(int)]
    shade = 0.55 + 0.45 * blurred + 0.10 * grain * (1 - blurred)
    return inks.between((dodge**2 * shade).clip(0, 1).astype(np.float32))


def ink(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Contours of even width and filled blacks, nothing between."""
    tone = blur(luma(photo), max(0.8, stroke / 5))
    blacks = (tone < rng.uniform(0.12, 0.28)).astype(np.float32)
    paper = np.minimum(1 - blacks, _outline(photo, max(1.0, stroke * 0.3), 0.25))
    return inks.between(blur(paper, 0.6).astype(np.float32))


def blueprint(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """White outlines and a square grid on blue."""
    lines = 1 - _outline(photo, max(1.0, stroke * 0.25), 0.2)
    y, x = coordinates(*size(photo))
    step = max(8, int(stroke * 3))
    grid = ((x % step == 0) | (y % step == 0)) * 0.25
    blue = np.array([0.05, 0.2, 0.5], np.float32) * np.float32(rng.uniform(0.7, 1.3))
    tone = np.maximum(lines, grid)[..., None]
    return (blue + (np.array([0.92, 0.96, 1.0]) - blue) * tone + rng.normal(0, 0.012, (*size(photo), 1))).astype(
        np.float32
    )


def neon(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Glowing contours in two colours on a near-black ground."""
    lines = 1 - _outline(photo, max(1.0, stroke * 0.25), 0.25)
    glow = blur(lines, stroke)
    across = np.linspace(0, 1, photo.shape[1], dtype=np.float32)[None, :, None]
    colour = inks.accents[0] * (1 - across) + inks.accents[1] * across
    ground = inks.ink * 0.25 * rng.uniform(0.4, 1)
    light = colour * (lines + 1.6 * glow)[..., None] + 0.5 * (lines[..., None] ** 3)
    return (ground + light).astype(np.float32)


def _outline(photo: Array, width: float, threshold: float) -> Array:
    """(h, w): 0 on contours `width` pixels wide, 1 elsewhere (Winnemöller 2012, XDoG)."""
    tone = luma(photo)
    narrow, wide = (blur(tone, s) for s in (max(0.7, width), max(0.7, width) * 1.6))
    sharp = narrow - 0.98 * wide
    edge = np.where(sharp < threshold * 0.02, 1 + np.tanh(60 * (sharp - threshold * 0.02)), 1.0)
    return ((edge - 0.3) / 0.7).clip(0, 1).astype(np.float32)


def _parallel(shape: tuple[int, int], step: float, angle: float, rng: np.random.Generator) -> Array:
    """(h, w): thin dark lines `step` pixels apart on 1, wavering a little."""
    y, x = coordinates(*shape)
    across = (x * np.cos(angle) + y * np.sin(angle) + 0.35 * noise(shape, step * 2, rng)) % step
    return (np.abs(across - step / 2) * 1.2 - step * 0.12).clip(0, 1).astype(np.float32)


def _along_contours(tone: Array, step: float, rng: np.random.Generator) -> Array:
    """A phase whose level lines bend with the forms of `tone`."""
    y, x = coordinates(*size(tone))
    angle = rng.uniform(0, np.pi)
    relief = blur(tone, step * 1.5) * step * 6
    waver = 0.75 * noise(size(tone), step * 3, rng)
    return ((x * np.cos(angle) + y * np.sin(angle) + relief + waver) * 2 * np.pi / step).astype(np.float32)

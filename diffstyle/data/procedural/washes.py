"""Media made of areas: washes, flat inks and smudges."""

from __future__ import annotations

import numpy as np

from diffstyle.data.procedural.fields import Array, blur, coordinates, gradient, median, noise, sample, size
from diffstyle.data.procedural.palette import Inks, luma, saturated


def watercolour(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Bleeding washes with darker rims on grained paper."""
    bleed = np.float32(0.28 * stroke)
    y, x = ((c + bleed * noise(size(photo), stroke, rng)).astype(np.float32) for c in coordinates(*size(photo)))
    smooth = [median(photo[..., c], max(3, round(stroke * 0.8))) for c in range(3)]
    bled = np.stack([sample(channel, y, x) for channel in smooth], 2)
    wash = np.round(saturated(bled, 1.5) * 5) / np.float32(5)
    wash = blur(wash, (0.8, 0.8, 0))
    rims = np.hypot(*gradient(wash.mean(2)))
    grain = 0.28 * noise(size(photo), 1.0, rng)
    pigment = 1 - (1 - wash) * (0.62 + 0.25 * rims.clip(0, 1) + 0.10 * grain)[..., None]
    return (inks.paper * pigment).astype(np.float32)


def poster(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Large flat shapes in four inks."""
    tone = blur(luma(photo), stroke * 0.8)
    levels = np.quantile(tone, np.sort(rng.uniform(0.15, 0.85, 3)))
    order = [inks.ink, *sorted(inks.accents, key=lambda a: float(a.mean())), inks.paper]
    shapes = np.digitize(tone, levels)
    flat = np.array(order, np.float32)[shapes]
    return blur(flat, (0.6, 0.6, 0)).astype(np.float32)


def risograph(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Two grainy transparent inks, printed slightly out of register."""
    tone = luma(photo)
    chroma = blur(photo[..., 0] - photo[..., 2], 2)
    first = (1 - tone).clip(0, 1)
    second = (0.5 + 2 * chroma).clip(0, 1) * (1 - 0.4 * tone)
    out = np.broadcast_to(inks.paper, photo.shape).astype(np.float32)
    for amount, colour in ((first, inks.accents[0]), (second, inks.accents[1])):
        y, x = (c + np.float32(rng.uniform(-1, 1) * stroke * 0.25) for c in coordinates(*size(photo)))
        printed = sample(amount, y, x)
        cover = ((printed + 0.14 * noise(size(photo), 0.7, rng) - 0.35) * 3).clip(0, 1) * 0.9
        out = out * (1 - cover[..., None] * (1 - colour))
    return out.astype(np.float32)


def charcoal(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Broad smudged darks on rough paper."""
    tone = blur(luma(photo), stroke * 0.5)
    tooth = noise(size(tone), 1.2, rng)
    smudge = noise(size(tone), (stroke * 0.4, stroke * 1.6), rng)
    dark = (1.15 - tone * 1.25 + 0.12 * smudge).clip(0, 1)
    return inks.between((1 - ((dark * 1.2 - 0.35 - 0.22 * tooth) * 2).clip(0, 1) * 0.92).astype(np.float32))

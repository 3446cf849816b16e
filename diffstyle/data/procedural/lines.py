"""Media made of lines."""

from __future__ import annotations

import numpy as np

from diffstyle.data.procedural.fields import Array, blur, coordinates, gradient, median, noise, size
from diffstyle.data.procedural.palette import Inks, luma


def cross_hatching(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Up to four layers of slightly wavering parallel lines, one more for each step of darkness."""
    tone = blur(luma(photo), stroke / 4)
    paper = np.ones_like(tone)
    start = rng.uniform(0, np.pi)
    for n, level in enumerate((0.8, 0.6, 0.4, 0.22)):
        lines = _parallel(size(tone), stroke * 0.8, start + n * np.pi / 4, rng)
        paper = np.minimum(paper, np.where(tone < level, lines, 1))
    return inks.between(np.minimum(paper, _outline(luma(photo), stroke * 0.2, 0.3)).astype(np.float32))


def woodcut(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Solid blacks and bare lights with thick contours; between them, gouges that taper towards the dark, cut along the
    forms, and in the lights a few ridges that the gouge left."""
    tone = blur(median(luma(photo), max(3, round(stroke * 0.6))), stroke * 0.25)
    black, bare = (float(np.quantile(tone, rng.uniform(*shares))) for shares in ((0.3, 0.45), (0.75, 0.88)))
    along = _along_forms(tone, stroke * 1.5, rng.uniform(0, np.pi))
    light = ((tone - black) / max(0.1, bare - black)).clip(0, 1)
    cut = _gouged(light, along, max(2.0, stroke * 0.5), rng)
    ridges = _gouged(np.full_like(tone, 0.5), along, max(1.5, stroke * 0.3), rng, share=0.1)
    paper = np.where(tone > bare, 1 - ridges, np.where(tone < black, 0, cut))
    key = ((_outline(tone, max(1.2, stroke * 0.32), 0.35) - 0.6) * 4 + 0.5).clip(0, 1)
    return inks.between(blur(np.minimum(paper, key).astype(np.float32), 0.5))


def engraving(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Fine lines bent by the relief of the tones, that swell with the shade and are crossed by others in the shadows;
    no area is filled."""
    tone = blur(luma(photo), 0.7)
    step = max(3.0, 0.0072 * max(size(tone)) + 0.15 * stroke)
    angle = rng.uniform(0, np.pi)
    first = _swelling(tone, step, angle, 0.12 + 0.95 * tone, rng)
    crossing = _swelling(tone, step, angle + rng.uniform(0.9, 1.3), 0.55 + 3 * tone, rng)
    return inks.between(np.minimum(first, crossing))


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
    """Thin contours of even width and a few filled blacks, nothing between."""
    tone = blur(luma(photo), max(0.8, stroke / 6))
    blacks = tone < float(np.quantile(tone, rng.uniform(0.02, 0.07)))
    contours = ((_outline(tone, max(0.8, stroke * 0.1), 0.25) - 0.5) * 3 + 0.5).clip(0, 1)
    return inks.between(blur(np.minimum(1 - blacks, contours).astype(np.float32), 0.5))


def blueprint(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """White outlines and a square grid on blue."""
    lines = 1 - _outline(luma(photo), max(1.0, stroke * 0.25), 0.2)
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
    lines = 1 - _outline(luma(photo), max(1.0, stroke * 0.25), 0.25)
    glow = blur(lines, stroke)
    across = np.linspace(0, 1, photo.shape[1], dtype=np.float32)[None, :, None]
    colour = inks.accents[0] * (1 - across) + inks.accents[1] * across
    ground = inks.ink * 0.25 * rng.uniform(0.4, 1)
    light = colour * (lines + 1.6 * glow)[..., None] + 0.5 * (lines[..., None] ** 3)
    return (ground + light).astype(np.float32)


def _outline(tone: Array, width: float, threshold: float) -> Array:
    """(h, w): 0 on contours `width` pixels wide, 1 elsewhere (Winnemöller 2012, XDoG)."""
    narrow, wide = (blur(tone, s) for s in (max(0.7, width), max(0.7, width) * 1.6))
    sharp = narrow - 0.98 * wide
    edge = np.where(sharp < threshold * 0.02, 1 + np.tanh(60 * (sharp - threshold * 0.02)), 1.0)
    return ((edge - 0.3) / 0.7).clip(0, 1).astype(np.float32)


def _parallel(shape: tuple[int, int], step: float, angle: float, rng: np.random.Generator) -> Array:
    """(h, w): thin dark lines on 1, `step` pixels apart and slightly wavy."""
    y, x = coordinates(*shape)
    across = (x * np.cos(angle) + y * np.sin(angle) + 0.35 * noise(shape, step * 2, rng)) % step
    return (np.abs(across - step / 2) * 1.2 - step * 0.12).clip(0, 1).astype(np.float32)


def _swelling(tone: Array, step: float, angle: float, bare: Array, rng: np.random.Generator) -> Array:
    """(h, w): dark lines `step` pixels apart, bent by the relief of `tone`; the fraction `bare` of each stays blank."""
    y, x = coordinates(*size(tone))
    bend = blur(tone, step * 2.5) * step * 6 + 0.25 * noise(size(tone), step * 6, rng)
    wave = (np.cos((x * np.cos(angle) + y * np.sin(angle) + bend) * 2 * np.pi / step) + 1) / 2
    return ((bare - wave) * step * 0.6 + 0.5).clip(0, 1).astype(np.float32)


def _along_forms(tone: Array, sigma: float, common: float) -> Array:
    """(h, w): the angle along the contours of `tone`, `common` in flat areas (structure tensor, blurred by `sigma`)."""
    down, across = gradient(tone)
    difference, product = across * across - down * down, 2 * across * down
    twice = blur(difference.astype(np.float32), sigma), blur(product.astype(np.float32), sigma)
    bias = 0.02
    return (
        np.arctan2(twice[1] - bias * np.sin(2 * common), twice[0] - bias * np.cos(2 * common)) / 2 + np.pi / 2
    ).astype(np.float32)


def _gouged(light: Array, along: Array, width: float, rng: np.random.Generator, *, share: float = 1.0) -> Array:
    """(h, w): long tapering cuts of 1 on 0, side by side along the angles `along`, wider where `light` is high."""
    h, w = size(light)
    margin = int(np.ceil(width * 6))
    canvas = np.zeros((h + 2 * margin, w + 2 * margin), np.float32)
    yy, xx = (c - margin for c in coordinates(2 * margin + 1, 2 * margin + 1))
    rows, columns = np.arange(0, h, width * 1.9), np.arange(0, w, width * 1.9)
    ys, xs = (c.ravel() for c in np.meshgrid(rows, columns, indexing="ij"))
    keep = rng.random(len(ys)) < share * 0.42
    jitter = rng.normal(0, width * 0.5, (2, int(keep.sum())))
    ys, xs = (np.clip(c[keep] + j, 0, n - 1).astype(int) for c, j, n in zip((ys, xs), jitter, (h, w), strict=True))
    for y, x in zip(ys, xs, strict=True):
        lit = float(light[y, x])
        if lit < 0.08:
            continue
        angle = float(along[y, x]) + rng.normal(0, 0.06)
        length = width * rng.uniform(3.5, 6)
        u = (xx * np.cos(angle) + yy * np.sin(angle)) / length
        v = yy * np.cos(angle) - xx * np.sin(angle)
        half = width * (0.35 + 0.75 * lit) * ((1 - u) * (1 + u).clip(0, None) ** 2).clip(0, None) ** 0.7
        patch = canvas[y : y + 2 * margin + 1, x : x + 2 * margin + 1]
        np.maximum(patch, (half - np.abs(v) + 0.5).clip(0, 1) * (np.abs(u) < 1), out=patch)
    return canvas[margin:-margin, margin:-margin]

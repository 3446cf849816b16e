"""Techniques without strokes: washes, dyes, spray and weave. Lengths are in pixels of a picture of UNITS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import cv2
import numpy as np
from scipy import ndimage

from diffstyle.data.procedural.fields import (
    Array,
    blur,
    coordinates,
    distance_to,
    gradient,
    median,
    noise,
    sample,
    size,
)
from diffstyle.data.procedural.palette import luma, saturated

UNITS = 768  # pixels of the longest side
PAPER = np.array((0.975, 0.965, 0.935), np.float32)
BLACK = np.array((0.07, 0.07, 0.09), np.float32)


def watercolour(photo: Array, rng: np.random.Generator) -> Array:
    """Three transparent glazes with dark rims, on grained paper that is left white in the lights."""
    pigment = np.ones_like(photo)
    grain = _grain(size(photo), rng)
    for strength, smooth, wander in ((0.2, 15, 9.0), (0.25, 9, 6.0), (0.36, 5, 3.0)):
        wash = _warped(_smooth(saturated(photo, 1.45) ** 0.75, smooth), wander, rng)
        steps = np.round(wash * 4 + 0.16 * noise(size(photo), 14.0, rng)[..., None]) / 4
        steps = blur(steps.clip(0, 1).astype(np.float32), (0.9, 0.9, 0))
        rims = np.hypot(*gradient(steps.mean(2))).clip(0, 1)
        density = strength * (1 + 0.45 * rims + 0.05 * grain + 0.12 * noise(size(photo), 28.0, rng))
        pigment *= 1 - (1 - steps) * density.clip(0, 1)[..., None]
    return _on_paper(pigment, grain)


def wet_in_wet(photo: Array, rng: np.random.Generator) -> Array:
    """Colours that ran into each other on wet paper, with blooms."""
    shape = size(photo)
    colours = saturated(_smooth(photo, 7), 1.7)
    for wander, width in ((9.0, 3.2), (5.0, 2.0), (2.5, 1.0)):
        colours = blur(_warped(colours, wander, rng), (width, width, 0))
    blooms = noise(shape, 22.0, rng) + 0.5 * noise(shape, 6.0, rng)
    front = np.exp(-np.square((blooms - 1.2) / 0.1)).astype(np.float32)
    inside = (blooms > 1.2).astype(np.float32)
    grain = _grain(shape, rng)
    density = 0.8 * (1 + 0.07 * front - 0.12 * blur(inside, 3.0))
    return _on_paper(1 - (1 - colours) * density.clip(0, 1.15)[..., None], grain)


def ink_wash(photo: Array, rng: np.random.Generator) -> Array:
    """Grey washes of black ink, wet below and dry on top, on warm paper."""
    shape = size(photo)
    tone = luma(photo)
    tone = (tone + 0.8 * (tone - blur(tone, 22.0))).clip(0, 1)  # forms within the darks are drawn too
    grain = _grain(shape, rng)
    left = np.ones(shape, np.float32)
    for level, wander, edge in ((0.72, 7.0, 0.14), (0.5, 4.0, 0.08), (0.34, 2.5, 0.06), (0.2, 1.5, 0.04)):
        wet = _warped(_smooth(tone[..., None], 7), wander, rng)[..., 0]
        cover = ((level - wet) / edge + 0.5).clip(0, 1)
        rims = np.hypot(*gradient(cover)).clip(0, 1)
        pooled = 0.34 + 0.12 * noise(shape, 20.0, rng) + 0.14 * rims + 0.07 * grain
        left *= 1 - cover * pooled.clip(0, 1)
    dry = noise(shape, (1.2, 5.0), rng) + 0.6 * grain
    strokes = ((0.2 - blur(tone, 1.2)) * 7).clip(0, 1) * (dry > -0.2)
    left *= 1 - 0.5 * blur(strokes.astype(np.float32), 0.7)
    paper = np.array((0.95, 0.925, 0.865), np.float32) * (1 + 0.015 * grain[..., None])
    return (BLACK + (paper - BLACK) * left[..., None]).astype(np.float32)


def spray(photo: Array, rng: np.random.Generator) -> Array:
    """Sprayed stencils in few loud colours with soft edges, specks and drips, on a wall."""
    shape = size(photo)
    loud = _quantised(saturated(_smooth(photo, 13), 1.8), 7, rng)
    soft = blur(loud, (5.0, 5.0, 0))
    mist = noise(shape, 1.0, rng)
    y, x = coordinates(*shape)
    reach = np.float32(9) * np.stack([rng.standard_normal(shape, np.float32) for _ in range(2)])
    scattered = np.stack([sample(loud[..., c], y + reach[0], x + reach[1]) for c in range(3)], -1)
    picture = np.where((mist > 1.1)[..., None], scattered, soft)
    runs = np.maximum.reduce([np.roll(_drops(shape, rng), n, 0) for n in range(0, 90, 2)])
    trail = np.asarray(cast("Any", ndimage.maximum_filter1d)(loud, 60, axis=0, origin=25), np.float32)
    picture = picture + (trail * 0.85 - picture) * blur(runs, (1, 1.2))[..., None].clip(0, 1)
    lines = blur(np.hypot(*gradient(blur(luma(photo), 4.0))), 2.0)
    marker = ((lines - np.quantile(lines, 0.9)) * 9).clip(0, 0.9)[..., None]
    wall = 1 + 0.05 * noise(shape, 2.0, rng) + 0.04 * noise(shape, 30.0, rng)
    return ((picture * (1 - marker) + 0.06 * marker) * wall[..., None]).astype(np.float32)


def batik(photo: Array, rng: np.random.Generator) -> Array:
    """Dyed flat shapes with pale lines where wax was, and dark cracks in it."""
    shape = size(photo)
    flat = _quantised(saturated(_warped(_smooth(photo, 15), 4.0, rng), 1.7), 7, rng)
    tone = median(luma(flat), 5)
    edges = np.hypot(*gradient(tone)) > 0.05
    wax = (3.4 + 1.3 * noise(shape, 14.0, rng) - distance_to(edges)).clip(0, 1)
    dyed = flat * (1 + 0.09 * noise(shape, 9.0, rng) + 0.06 * noise(shape, 1.6, rng))[..., None]
    cloth = np.array((0.95, 0.89, 0.74), np.float32)
    picture = dyed + (cloth - dyed) * wax[..., None] * 0.9
    cracks = np.zeros(shape, np.float32)
    for scale in (34.0, 18.0):
        field = noise(shape, scale, rng) + 0.25 * noise(shape, 4.0, rng)
        cracks = np.maximum(cracks, (1 - np.abs(field) / (0.022 * 26 / scale)).clip(0, 1))
    dye = np.array((0.12, 0.1, 0.2), np.float32)
    picture = picture + (dye - picture) * (0.6 * blur(cracks, 0.8))[..., None]
    return (picture * (0.97 + 0.03 * _threads(shape, 3.0))[..., None]).astype(np.float32)


def tapestry(photo: Array, rng: np.random.Generator) -> Array:
    """Weft threads of some twenty wools, beaten down in rows over a warp."""
    shape = size(photo)
    row, warp = 5.0, 9.0
    y, x = coordinates(*shape)
    column = np.floor(x / warp)
    shifted = y + np.float32(row / 2) * (column % 2) + 0.8 * noise(shape, 25.0, rng)
    line = np.floor(shifted / row)
    wools = _quantised(saturated(_smooth(photo, 5), 1.25), 22, rng)
    at = ((line + 0.5) * row - np.float32(row / 2) * (column % 2)).astype(np.float32)
    middle = ((column + 0.5) * warp).astype(np.float32)
    colours = np.stack([sample(wools[..., c], at, middle) for c in range(3)], -1)
    u, v = (x / warp) % 1 - 0.5, (shifted / row) % 1 - 0.5
    body = (1.06 - 2.0 * v**2 - 1.1 * u**2 * (1 + v)).clip(0.3, 1.1)
    yarn = 1 + 0.1 * noise(shape, (0.8, 3.0), rng)
    return (colours * (body * yarn)[..., None] * np.array((1.0, 0.97, 0.9), np.float32)).astype(np.float32)


def suprematist(photo: Array, rng: np.random.Generator) -> Array:
    """Plain bars, blocks and discs in few colours on white; the photo gives no more than the size."""
    h, w = size(photo)
    canvas = np.zeros((h, w, 3), np.uint8) + np.array((238, 232, 218), np.uint8)
    paints = ((26, 24, 26), (196, 42, 34), (28, 60, 120), (226, 178, 44), (26, 24, 26), (52, 104, 78), (150, 148, 144))
    for n in range(46):
        paint = paints[int(rng.integers(len(paints)))]
        centre = (float(rng.uniform(0, w)), float(rng.uniform(0, h)))
        sides = np.array((rng.uniform(0.06, 0.5), rng.uniform(0.012, 0.11))) * (1.6 if n < 8 else 0.8) * w
        if n % 9 == 4:
            cv2.circle(canvas, (int(centre[0]), int(centre[1])), int(sides[1] + 12), paint, -1, cv2.LINE_AA)
            continue
        corners = cv2.boxPoints((centre, (float(sides[0]), float(sides[1])), float(rng.choice((-32, -28, 60, 15)))))
        cv2.fillConvexPoly(canvas, corners.astype(np.int32), paint, cv2.LINE_AA)
    weave = 1 + 0.02 * noise((h, w), 1.0, rng)
    return (canvas.astype(np.float32) / np.float32(255) * weave[..., None]).astype(np.float32)


def _smooth(photo: Array, side: int) -> Array:
    """Medians over windows of `side` pixels, in steps of 1/255: OpenCV takes a tenth of the time of scipy for these."""
    steps = (photo.clip(0, 1) * 255).round().astype(np.uint8)
    smooth = np.asarray(cv2.medianBlur(steps, side), np.float32) / np.float32(255)
    return smooth.reshape(photo.shape)


def _warped(picture: Array, wander: float, rng: np.random.Generator) -> Array:
    """A picture whose places wander by about `wander` pixels."""
    shape = size(picture)
    y, x = (
        (c + 0.5 * wander * noise(shape, wander, rng) + 0.04 * wander * noise(shape, 2.5, rng)).astype(np.float32)
        for c in coordinates(*shape)
    )
    return np.stack([sample(picture[..., c], y, x) for c in range(picture.shape[2])], -1)


def _grain(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    return (0.7 * noise(shape, 1.6, rng) + 0.3 * noise(shape, 0.8, rng)).astype(np.float32)


def _on_paper(pigment: Array, grain: Array) -> Array:
    return (PAPER * pigment * (1 + 0.018 * grain[..., None])).astype(np.float32)


def _quantised(picture: Array, count: int, rng: np.random.Generator) -> Array:
    """The picture in its `count` main colours (k-means)."""
    pixels = picture.reshape(-1, 3)
    found = pixels[rng.integers(0, len(pixels), 4000)]
    centres = found[rng.integers(0, len(found), 1)]
    while len(centres) < count:
        apart = np.square(found[:, None] - centres).sum(2).min(1)
        centres = np.concatenate([centres, found[rng.choice(len(found), 1, p=apart / apart.sum())]])
    for _ in range(8):
        owner = np.square(found[:, None] - centres).sum(2).argmin(1)
        centres = np.stack([found[owner == n].mean(0) if (owner == n).any() else centres[n] for n in range(count)])
    owner = np.stack([np.square(pixels - centre).sum(1) for centre in centres], 1).argmin(1)
    return centres[owner].reshape(picture.shape).astype(np.float32)


def _drops(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """(h, w): 1 where a drip begins."""
    drops = np.zeros(shape, np.float32)
    drops[rng.integers(0, shape[0], 40), rng.integers(0, shape[1], 40)] = 1
    return np.asarray(ndimage.maximum_filter(drops, (2, 4)), np.float32)


def _threads(shape: tuple[int, int], pitch: float) -> Array:
    y, x = coordinates(*shape)
    return (np.sin(2 * np.pi * x / pitch) * np.sin(2 * np.pi * y / pitch)).astype(np.float32)


RENDERINGS: Mapping[str, Callable[[Array, np.random.Generator], Array]] = {
    "watercolour": watercolour,
    "wet-in-wet watercolour": wet_in_wet,
    "ink wash": ink_wash,
    "spray paint": spray,
    "batik": batik,
    "tapestry": tapestry,
    "suprematist": suprematist,
}

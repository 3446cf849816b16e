"""Techniques without strokes: washes, dyes, spray and weave. Lengths are in pixels of a picture of UNITS."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

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
from diffstyle.ops.lines import blur as soft
from diffstyle.ops.lines import contour_lines, flow
from diffstyle.ops.lines import gradient as slopes
from diffstyle.ops.lines import noise as soft_noise

Rendering: TypeAlias = Callable[[Array, np.random.Generator, Array], Array]
UNITS = 768  # pixels of the longest side
PAPER = np.array((0.975, 0.965, 0.935), np.float32)
BLACK = np.array((0.07, 0.07, 0.09), np.float32)


def watercolour(photo: Array, rng: np.random.Generator, subject: Array) -> Array:
    """Glazes with dark rims on white paper, broad and pale first, small and dark last, over a few lines of a pencil.
    Around the subject they are looser and paler, and end before the edge of the sheet.
    """
    glazes = ((15, 9.0, 0.55), (9, 4.5, 0.6), (7, 2.0, 0.65), (5, 0.9, 0.65))
    return _glazed(photo, rng, subject, glazes, run=0.0)


def wet_in_wet(photo: Array, rng: np.random.Generator, subject: Array) -> Array:
    """Colours that ran into each other on wet paper, with blooms; the subject is painted last, on paper nearly dry."""
    glazes = ((21, 16.0, 0.6), (13, 8.0, 0.6), (9, 3.0, 0.65), (5, 1.6, 0.7))
    return _glazed(photo, rng, subject, glazes, run=1.0)


def _glazed(
    photo: Array,
    rng: np.random.Generator,
    subject: Array,
    glazes: Sequence[tuple[int, float, float]],
    *,
    run: float,
) -> Array:
    """Glazes of (window of the medians, wander of the edges, density) one over another; `run` 0 to 1 is how wet the
    paper is around the subject.
    """
    shape = size(photo)
    grain = _grain(shape, rng)
    bright = saturated(photo, 1.4 + 0.2 * run) ** np.float32(0.72)
    clear = (1 - (1 - bright) * (0.72 + 0.2 * subject)[..., None]).astype(np.float32)
    pigment = wash = np.ones_like(photo)
    for smooth, wander, share in glazes:
        wash = _warped(_smooth(clear, smooth), wander, rng)
        tone = np.asarray(wash.mean(2), np.float32)
        steps = soft(np.round(tone * 5 + 0.2 * soft_noise(shape, 14.0, rng)) / 5, 0.8)
        wash = (wash * (0.25 + 0.75 * steps / tone.clip(0.12, 1))[..., None]).clip(0, 1)
        ran = run * (1 - subject)[..., None]
        wash = wash + (soft(wash, 5.0) - wash) * ran
        rims = (soft(steps, 2.5) - steps).clip(0, 1) * (1 - 0.7 * ran[..., 0])
        pooled = share * (1 + 0.1 * grain + 0.18 * soft_noise(shape, 24.0, rng))
        pooled = (pooled * (1 if smooth > 7 else 0.3 + 0.7 * subject)).clip(0, 1)
        glaze = (wash / pigment.clip(0.05, 1)).clip(0, 1)  # what the paper still lacks: a glaze can only darken
        pigment = pigment * (1 - (1 - glaze) * pooled[..., None]) * (1 - share * rims)[..., None]
    lifted = (wash - pigment).clip(0, 1) * (0.2 + 0.5 * subject)[..., None]
    sheet = _sheet(shape, rng) * (1 - subject)
    bloom = run * _blooms(shape, rng) * (1 - subject)
    pigment = 1 - (1 - pigment - lifted) * ((1 - sheet) * (1 + bloom))[..., None]
    pencil = _contours(photo, 1.0, 1.3) * (0.25 + 0.4 * subject) * (1 - 0.6 * sheet) * (1 - 0.3 * run)
    pigment *= 1 - pencil[..., None] * (1 - np.array((0.36, 0.32, 0.33), np.float32))
    return _on_paper(pigment.clip(0, 1), grain)


def _blooms(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """(h, w): how much more pigment lies where water pushed it out of pale blooms, less than 0 within them."""
    field = soft_noise(shape, 24.0, rng) + 0.4 * soft_noise(shape, 6.0, rng)
    front = np.exp(-np.square((field - 1.2) / 0.1))
    return (0.16 * front - 0.2 * soft((field > 1.2).astype(np.float32), 3.0)).astype(np.float32)


def ink_wash(photo: Array, rng: np.random.Generator, subject: Array) -> Array:
    """Grey washes of black ink on warm paper, and contours of a loaded brush. The subject has all tones of the ink;
    what is around it is left pale, as mist.
    """
    shape = size(photo)
    tone = luma(photo)
    low, high = np.percentile(tone, (1, 99))
    tone = ((tone - low) / max(float(high - low), 0.2)).clip(0, 1)
    tone = (tone + 0.6 * (tone - soft(tone, 22.0))).clip(0, 1)  # forms within the darks are drawn too
    own = float(np.average(tone, weights=subject + 1e-3))
    light = (tone ** np.float32(np.log(0.58) / np.log(min(max(own, 0.2), 0.75)))).clip(0, 1)
    mist = 0.5 * (1 + 0.25 * soft_noise(shape, 45.0, rng)).clip(0, 2) * (1 - 0.75 * _sheet(shape, rng))
    around = 1 - (1 - tone) * mist
    wanted = around + (light - around) * subject
    grain = _grain(shape, rng)
    left = np.ones(shape, np.float32)
    for level, wander, edge in ((0.78, 6.0, 0.16), (0.56, 3.0, 0.12), (0.38, 1.5, 0.1), (0.22, 0.8, 0.08)):
        wet = _warped(_smooth(wanted[..., None], 5 if wander > 2 else 3), wander, rng)[..., 0]
        cover = ((level - wet) / edge + 0.5).clip(0, 1)
        rims = np.hypot(*gradient(cover)).clip(0, 1)
        pooled = 0.33 + 0.07 * soft_noise(shape, 20.0, rng) + 0.12 * rims + 0.05 * grain
        left *= 1 - cover * pooled.clip(0, 1)
    dry = noise(shape, (1.2, 5.0), rng) + 0.6 * grain
    strokes = ((0.14 - soft(wanted, 1.0)) * 7).clip(0, 1) * (dry > -0.6)
    left *= 1 - 0.6 * soft(strokes.astype(np.float32), 0.7)
    pressed = 0.85 + 0.2 * soft_noise(shape, 14.0, rng)
    brush = np.maximum(_contours(photo, 1.3, 1.2) * subject, _contours(photo, 2.4, 1.25) * (0.35 + 0.6 * subject))
    left *= 1 - (0.9 * brush * pressed).clip(0, 0.95)
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


def _contours(photo: Array, width: float, sensitivity: float) -> Array:
    """(h, w) in [0, 1]: lines about `width` pixels wide on the dark side of contours."""
    lines = contour_lines(luma(photo), flow(*slopes(photo)), width, sensitivity=sensitivity)
    return (4 * (lines - 0.55)).clip(0, 1)


def _sheet(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """(h, w) in [0, 1]: 1 at the edges of the sheet, where a wash ends raggedly, 0 in its middle."""
    h, w = shape
    y, x = coordinates(h, w)
    inside = np.minimum(np.minimum(y, h - 1 - y), np.minimum(x, w - 1 - x))
    ragged = inside + 26 * soft_noise(shape, 60.0, rng) + 4 * soft_noise(shape, 7.0, rng)
    return ((8 - ragged) / 20).clip(0, 1).astype(np.float32)


def _smooth(photo: Array, side: int) -> Array:
    """Medians over windows of `side` pixels, in steps of 1/255: OpenCV takes a tenth of the time of scipy for these."""
    steps = (photo.clip(0, 1) * 255).round().astype(np.uint8)
    smooth = np.asarray(cv2.medianBlur(steps, side), np.float32) / np.float32(255)
    return smooth.reshape(photo.shape)


def _warped(picture: Array, wander: float, rng: np.random.Generator) -> Array:
    """A picture whose places wander by about `wander` pixels."""
    shape = size(picture)
    y, x = (
        (c + 0.5 * wander * soft_noise(shape, wander, rng) + 0.04 * wander * soft_noise(shape, 2.5, rng))
        for c in coordinates(*shape)
    )
    moved = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32).reshape(picture.shape)


def _grain(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    return (0.7 * soft_noise(shape, 1.6, rng) + 0.3 * soft_noise(shape, 0.8, rng)).astype(np.float32)


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


def _throughout(rendering: Callable[[Array, np.random.Generator], Array]) -> Rendering:
    """A rendering that does not ask what the subject is."""

    def rendered(photo: Array, rng: np.random.Generator, subject: Array) -> Array:
        del subject
        return rendering(photo, rng)

    return rendered


RENDERINGS: Mapping[str, Rendering] = {
    "watercolour": watercolour,
    "wet-in-wet watercolour": wet_in_wet,
    "ink wash": ink_wash,
    "spray paint": _throughout(spray),
    "batik": _throughout(batik),
    "tapestry": _throughout(tapestry),
    "suprematist": _throughout(suprematist),
}

"""Photos painted stroke by stroke with brush, knife, chalk or pencil (after Hertzmann 1998): exemplars of hands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from diffstyle.data.procedural.fields import Array, blur, gradient, noise, size
from diffstyle.data.procedural.palette import luma, saturated

PRESSED = 0.7  # height of the paper's grain that a dry mark just touches at full `tooth`
NEAR = 0.045  # mean difference from the photo below which a place needs no further strokes


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """How marks are made. Sizes are in pixels of a picture of 768.

    `widths`: of the strokes of each layer, coarse to fine. `stretch`: their length over their width. `angle`: along
    contours, or directions in degrees that change from place to place. `bristle`: how far stripes along a stroke
    differ. `tooth`: how far the grain of the paper shows through. `relief`: how far paint stands up and catches light.
    `jitter`: of colours. `levels`: how many tones a colour has, 0 is any. `ground`: the paper or priming. `inks`:
    colours that everything is drawn in, dark to light, instead of the photo's. `hatched`: marks lie closer where the
    photo is darker, and the paper shows between them.
    """

    widths: tuple[float, ...]
    stretch: float = 4.0
    angle: Literal["contours"] | tuple[float, ...] = "contours"
    opacity: float = 0.95
    bristle: float = 0.3
    tooth: float = 0.0
    relief: float = 0.0
    jitter: float = 0.03
    saturation: float = 1.2
    levels: int = 0
    density: float = 1.0
    square: bool = False
    ground: tuple[float, float, float] = (0.93, 0.9, 0.84)
    inks: tuple[tuple[float, float, float], ...] = ()
    hatched: bool = False


HANDS: dict[str, Hand] = {
    "oil": Hand(widths=(44, 24, 13, 8), bristle=0.45, relief=0.35, jitter=0.04, ground=(0.45, 0.36, 0.26)),
    "impasto": Hand(widths=(52, 32, 19), stretch=3, bristle=0.7, relief=1.0, jitter=0.07, saturation=1.4),
    "palette knife": Hand(
        widths=(84, 52, 30), stretch=1.9, bristle=0.22, relief=0.7, jitter=0.06, saturation=1.35, square=True
    ),
    "acrylic": Hand(widths=(46, 24, 12), stretch=4.5, bristle=0.28, relief=0.1, jitter=0.05, saturation=1.6, levels=9),
    "gouache": Hand(
        widths=(50, 26, 13), stretch=2.6, bristle=0.12, jitter=0.02, saturation=1.25, levels=6, ground=(0.9, 0.87, 0.8)
    ),
    "tempera": Hand(
        widths=(30, 7, 3.2),
        stretch=7,
        opacity=0.75,
        bristle=0.2,
        jitter=0.035,
        saturation=1.15,
        ground=(0.8, 0.66, 0.4),
    ),
    "encaustic": Hand(
        widths=(60, 34, 18), stretch=2.2, opacity=0.62, bristle=0.5, relief=0.8, jitter=0.06, ground=(0.86, 0.72, 0.48)
    ),
    "pastel": Hand(
        widths=(34, 20, 11),
        stretch=5,
        opacity=0.8,
        bristle=0.3,
        tooth=0.6,
        jitter=0.06,
        saturation=1.4,
        ground=(0.56, 0.5, 0.46),
    ),
    "oil pastel": Hand(
        widths=(36, 22, 13),
        stretch=3.5,
        bristle=0.45,
        tooth=0.45,
        relief=0.4,
        jitter=0.08,
        saturation=1.7,
        levels=7,
        ground=(0.96, 0.95, 0.92),
    ),
    "chalk": Hand(
        widths=(26, 14, 8),
        stretch=6,
        angle=(35.0, 60.0),
        opacity=0.85,
        tooth=0.85,
        ground=(0.16, 0.18, 0.17),
        inks=((0.16, 0.18, 0.17), (0.55, 0.56, 0.53), (0.97, 0.96, 0.92)),
        density=0.8,
    ),
    "coloured pencil": Hand(
        widths=(7, 4.5, 4.5),
        stretch=13,
        angle=(38.0, 52.0, 70.0, 30.0),
        opacity=0.75,
        tooth=0.55,
        jitter=0.07,
        saturation=1.6,
        ground=(0.98, 0.975, 0.96),
        hatched=True,
    ),
    "graphite": Hand(
        widths=(6, 3.6, 3.6),
        stretch=15,
        angle=(40.0, 48.0, 62.0),
        opacity=0.6,
        tooth=0.55,
        ground=(0.96, 0.955, 0.94),
        inks=((0.13, 0.13, 0.14), (0.3, 0.3, 0.31)),
        hatched=True,
    ),
    "sanguine": Hand(
        widths=(9, 5, 5),
        stretch=11,
        angle=(55.0, 40.0),
        opacity=0.7,
        tooth=0.6,
        ground=(0.94, 0.88, 0.76),
        inks=((0.36, 0.1, 0.06), (0.7, 0.3, 0.18)),
        hatched=True,
    ),
    "charcoal": Hand(
        widths=(40, 20, 9),
        stretch=5,
        opacity=0.82,
        tooth=0.75,
        ground=(0.91, 0.89, 0.84),
        inks=((0.05, 0.05, 0.055), (0.42, 0.41, 0.4), (0.91, 0.89, 0.84)),
    ),
    "conte": Hand(
        widths=(26, 14, 7),
        stretch=6,
        opacity=0.8,
        tooth=0.65,
        ground=(0.62, 0.54, 0.44),
        inks=((0.1, 0.08, 0.08), (0.62, 0.54, 0.44), (0.97, 0.95, 0.9)),
    ),
}


def painted(photo: Array, rng: np.random.Generator, *, hand: Hand) -> Array:
    """The photo (h, w, 3) in [0, 1], painted in the marks of `hand`."""
    colours = _wanted(photo, hand)
    shape = size(photo)
    canvas = np.zeros_like(photo) + np.array(hand.ground, np.float32)
    height = np.zeros(shape, np.float32)
    tooth = _tooth(shape, hand, rng)
    light = luma(photo) if hand.hatched else np.zeros(shape, np.float32)
    for width in hand.widths:
        _layer(canvas, height, colours, light, tooth, hand, width, rng)
    if hand.tooth:
        canvas *= 1 + np.float32(0.03) * noise(shape, 0.8, rng)[..., None]
    return _lit(canvas, height, hand.relief).clip(0, 1)


def _wanted(photo: Array, hand: Hand) -> Array:
    """The colours that strokes take, before jitter."""
    if hand.inks:
        tone = luma(photo)
        stops = np.linspace(0, 1, len(hand.inks))
        return np.stack([np.interp(tone, stops, [ink[c] for ink in hand.inks]) for c in range(3)], -1).astype(
            np.float32
        )
    colours = saturated(photo, hand.saturation)
    if hand.hatched:
        colours = colours * (0.62 / colours.max(-1, keepdims=True).clip(0.62, 1)) ** 0.7
    if hand.levels:
        smooth = blur(colours, (3, 3, 0))
        colours = np.round(smooth * hand.levels) / np.float32(hand.levels)
    return colours.astype(np.float32)


def _layer(
    canvas: Array,
    height: Array,
    colours: Array,
    light: Array,
    tooth: Array,
    hand: Hand,
    width: float,
    rng: np.random.Generator,
) -> None:
    """One layer of strokes of one width, painted into `canvas` and `height`."""
    h, w = size(canvas)
    seen = blur(colours, (width * 0.3, width * 0.3, 0))
    angles = _angles(colours, hand, width, rng)
    step = width * np.sqrt(hand.stretch) * 0.5 / hand.density
    rows, columns = np.mgrid[0:h:step, 0:w:step]
    places = np.stack([rows.ravel(), columns.ravel()], 1) + rng.uniform(-step, step, (rows.size, 2)) * 0.6
    for y, x in rng.permutation(places.clip(0, (h - 1, w - 1)).astype(int)):
        part = np.s_[max(0, y - int(width)) : y + int(width) + 1, max(0, x - int(width)) : x + int(width) + 1]
        if hand.hatched:
            is_needed = rng.random() > light[y, x] ** 0.36
        else:
            is_needed = width == hand.widths[0] or float(np.abs(canvas[part] - colours[part]).mean()) > NEAR
        if not is_needed:
            continue
        colour = seen[y, x] + np.float32(hand.jitter) * (rng.normal(0, 0.6, 3) + rng.normal(0, 0.8)).astype(np.float32)
        stamp, ridge = _stamp(width, hand, rng)
        _press(canvas, height, tooth, stamp, ridge, (y, x), float(angles[y, x]), colour.astype(np.float32), hand)


def _angles(colours: Array, hand: Hand, width: float, rng: np.random.Generator) -> Array:
    """The direction of a stroke at each pixel, in degrees."""
    shape = size(colours)
    if hand.angle != "contours":
        zones = noise(shape, 60.0, rng)
        ranks = np.digitize(zones, np.linspace(-1, 1, len(hand.angle) - 1))
        return np.array(hand.angle, np.float32)[ranks] + 4 * noise(shape, 8.0, rng)
    gy, gx = gradient(blur(colours.mean(2), 2.0))
    spread = width * 0.7 + 4
    xx, yy, xy = (blur(v, spread) for v in (gx * gx, gy * gy, gx * gy))
    swirl = 16 * noise(shape, 40.0, rng)
    return np.degrees(0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2).astype(np.float32) + swirl


def _stamp(width: float, hand: Hand, rng: np.random.Generator) -> tuple[Array, Array]:
    """Cover and height (h, w) of one level stroke."""
    long, wide = max(3, round(width * hand.stretch * rng.uniform(0.7, 1.2))), max(2, round(width))
    v, u = np.mgrid[-1 : 1 : (wide + 2) * 1j, -1 : 1 : (long + 2) * 1j].astype(np.float32)
    bristles = noise((wide + 2, 1), max(0.6, wide * 0.045), rng) + 0.35 * noise(
        (wide + 2, long + 2), (0.6, long * 0.2), rng
    )
    ends = 1 - 0.18 * (1 + bristles) * (0.3 if hand.square else 1)
    across = 1.0 if hand.square else np.sqrt((1 - (np.abs(u) / np.maximum(ends, 0.4)) ** 4).clip(0, 1)) * 0.35 + 0.65
    inside = ((ends - np.abs(u)) * long / 2.5).clip(0, 1) * ((across - np.abs(v)) * wide / 2).clip(0, 1)
    dry = (1 - hand.bristle * (0.5 - 0.5 * bristles + 0.5 * u).clip(0, 1) ** 1.5).clip(0, 1)
    ridge = 0.5 + 0.25 * bristles + (0.9 if hand.square else 0.5) * np.abs(v) ** 3
    return (inside * dry).astype(np.float32), (inside * ridge).astype(np.float32)


def _press(
    canvas: Array,
    height: Array,
    tooth: Array,
    stamp: Array,
    ridge: Array,
    place: tuple[int, int],
    angle: float,
    colour: Array,
    hand: Hand,
) -> None:
    """Lay a stamp, turned, on the canvas around `place`."""
    reach = int(np.hypot(*stamp.shape) / 2) + 2
    top, left = max(0, place[0] - reach), max(0, place[1] - reach)
    bottom, right = min(canvas.shape[0], place[0] + reach), min(canvas.shape[1], place[1] + reach)
    turn = cv2.getRotationMatrix2D(((stamp.shape[1] - 1) / 2, (stamp.shape[0] - 1) / 2), -angle, 1.0)
    turn[:, 2] += (place[1] - left - (stamp.shape[1] - 1) / 2, place[0] - top - (stamp.shape[0] - 1) / 2)
    box = (right - left, bottom - top)
    cover, ridges = (
        np.asarray(cv2.warpAffine(s, turn, box, flags=cv2.INTER_LINEAR), np.float32) for s in (stamp, ridge)
    )
    part = np.s_[top:bottom, left:right]
    if hand.tooth:
        grain = tooth[part] - hand.tooth * (PRESSED - 0.35 * cover)
        cover = cover * (grain * 2.2 + 0.55).clip(0.1, 1)
    cover = cover * np.float32(hand.opacity)
    canvas[part] += (colour - canvas[part]) * cover[..., None]
    height[part] += (ridges - height[part]) * cover


def _tooth(shape: tuple[int, int], hand: Hand, rng: np.random.Generator) -> Array:
    """The grain of the paper (h, w) in [0, 1]."""
    if not hand.tooth:
        return np.ones(shape, np.float32)
    grain = noise(shape, 1.5, rng) + 0.5 * noise(shape, 0.7, rng)
    return (0.5 + 0.32 * np.tanh(grain)).astype(np.float32)


def _lit(canvas: Array, height: Array, relief: float) -> Array:
    """Light from the top left on paint of a height."""
    if not relief:
        return canvas
    dy, dx = gradient(blur(height, 0.8))
    light = np.float32(relief * 0.16) * (dx + dy).clip(-2, 2)
    lit = canvas * (1 + 0.7 * light[..., None].clip(-1, 1)) + 0.12 * light[..., None].clip(0, 1)
    return lit.astype(np.float32)

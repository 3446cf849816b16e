"""Photos painted stroke by stroke with brush, knife, chalk or pencil (after Hertzmann 1998).

Layers of ever finer strokes, each only where the picture still differs from the photo. Strokes follow the contours;
where there are none, they follow larger forms and a swirl. Sizes are shares of the picture, so it looks alike at every
size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, TypeAlias

import cv2 as untyped
import numpy as np
import numpy.typing as npt

from diffstyle.ops.luma import LUMA

cv2: Any = untyped
Array: TypeAlias = npt.NDArray[np.float32]
Rng: TypeAlias = np.random.Generator
Places: TypeAlias = npt.NDArray[np.intp]
Chosen: TypeAlias = npt.NDArray[np.bool_]

UNITS = 1024  # sizes of stroke styles are in pixels of a picture with this longest side
PRESSED = 0.7  # height of the paper's grain that a dry mark just touches at full `tooth`
NEAR = 0.045  # mean difference from the photo below which a place needs no further strokes
FINE = 8.0  # width from which on strokes are for what is seen alone, not for liveliness
DIRECTIONS, VARIANTS = 32, 5  # of the stamps of a layer
CLOSER = 0.55  # by which a place of the subject may differ less than others before it gets further strokes
FINER = (0.6, 0.38)  # widths of the strokes laid last, on the subject alone, in shares of the finest of others
FINEST = 3.7  # width below which strokes cannot be told apart
FLOW = ((3.5, 1.0), (12.0, 0.05), (40.0, 0.004))  # deviations of the structure tensor, and their weights


@dataclass(frozen=True, slots=True, kw_only=True)
class StrokeStyle:
    """How marks are made. Sizes are in pixels of a picture whose longest side is UNITS.

    `widths`: of the strokes of each layer, coarse to fine. `stretch`: their length over their width. `angle`: along
    contours, or directions in degrees that change from place to place. `swirl`: by how many degrees they wander where
    the photo is flat. `bristle`: how far stripes along a stroke differ. `tooth`: how far the grain of the paper shows
    through. `relief`: how far paint stands up and catches light. `jitter`: of colours. `levels`: how many tones a
    colour has, 0 is any. `ground`: the paper or priming. `inks`: colours that everything is drawn in, dark to light,
    instead of the photo's. `hatched`: marks lie closer where the photo is darker, and the paper shows between them.
    `outline`: strength of dark contours drawn last.
    """

    widths: tuple[float, ...]
    stretch: float = 4.0
    angle: Literal["contours"] | tuple[float, ...] = "contours"
    swirl: float = 18.0
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
    outline: float = 0.0


def render_strokes(
    photo: Array, rng: Rng, style: StrokeStyle, on_layer: Callable[[], None], subject: Array | None = None
) -> Array:
    """The photo (h, w, 3) in [0, 1], painted in the marks of `style`. `on_layer` is called before each layer.

    What is 1 in `subject` (h, w) is painted with more strokes, and finer ones where they are needed.
    """
    shape = (int(photo.shape[0]), int(photo.shape[1]))
    unit = max(shape) / UNITS
    colours = _wanted(photo, style, unit)
    canvas = np.ascontiguousarray(np.broadcast_to(np.array(style.ground, np.float32), photo.shape))
    height = np.zeros(shape, np.float32)
    tooth = _tooth(shape, unit, rng) if style.tooth else None
    light = _grey(photo) if style.hatched else None
    angles = _angles(colours, style, unit, rng)
    finer = [f * style.widths[-1] for f in FINER if f * style.widths[-1] >= FINEST]
    last = [] if subject is None or style.hatched else finer
    for n, width in enumerate((*style.widths, *last)):
        on_layer()
        needed = _Needed(width * unit, style, unit=unit, first=n == 0, subject=subject, only=n >= len(style.widths))
        _layer(canvas, height, colours, light, tooth, angles, needed, rng)
    if style.outline:
        _outlined(canvas, photo, style.outline, unit)
    if tooth is not None:
        canvas *= (1 + np.float32(0.06) * (tooth - 0.5))[..., None]
    return _lit(canvas, height, style.relief, unit).clip(0, 1)


def resized(picture: Array, scale: float = 1.0, *, size: tuple[int, int] | None = None) -> Array:
    """(h, w, 3) scaled, or brought to `size` (h, w)."""
    h, w = size or tuple(max(1, round(int(side) * scale)) for side in picture.shape[:2])
    smaller = h * w < picture.shape[0] * picture.shape[1]
    order = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (w, h), interpolation=order), np.float32).clip(0, 1)


def _wanted(photo: Array, style: StrokeStyle, unit: float) -> Array:
    """The colours that strokes take, before jitter."""
    if style.inks:
        tone = _grey(photo)
        stops = np.linspace(0, 1, len(style.inks))
        channels = [np.interp(tone, stops, [ink[c] for ink in style.inks]) for c in range(3)]
        return np.stack(channels, -1).astype(np.float32)
    colours = _saturated(photo, style.saturation)
    if style.hatched:
        colours = colours * (0.62 / colours.max(-1, keepdims=True).clip(0.62, 1)) ** np.float32(0.7)
    if style.levels:
        colours = np.round(_soft(colours, 3 * unit) * style.levels) / np.float32(style.levels)
    return np.ascontiguousarray(colours, np.float32)


def _grey(photo: Array) -> Array:
    """Luma (h, w) with the 2nd and 98th percentile stretched to 0 and 1."""
    grey = photo @ np.array(LUMA, np.float32)
    low, high = np.percentile(grey, (2, 98))
    return np.asarray(((grey - low) / max(float(high - low), 0.05)).clip(0, 1), np.float32)


def _saturated(photo: Array, gain: float) -> Array:
    grey = photo.mean(-1, keepdims=True)
    return (grey + (photo - grey) * np.float32(gain)).clip(0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class _Needed:
    """Which of the places of a layer of strokes, `width` pixels wide, are painted."""

    width: float
    style: StrokeStyle
    _: KW_ONLY
    unit: float
    first: bool
    subject: Array | None
    only: bool  # on the subject alone

    def at(self, y: Places, x: Places, canvas: Array, colours: Array, light: Array | None, rng: Rng) -> Chosen:
        """(n,): whether a place is dark enough, for hatching, or still differs from its colour."""
        if light is not None:
            return rng.random(len(y)) > light[y, x] ** 0.36
        if self.first:
            return np.ones(len(y), bool)
        missing = np.abs(canvas - colours).mean(2)
        near = NEAR if self.width > FINE * self.unit else NEAR + self.style.jitter
        missing = cv2.blur(missing, (2 * int(self.width) + 1,) * 2)[y, x]
        if self.subject is None:
            return missing > near
        inside = self.subject[y, x]
        return (missing > near * (1 - CLOSER * inside)) & ((inside > 0.5) | (not self.only))


def _layer(
    canvas: Array,
    height: Array,
    colours: Array,
    light: Array | None,
    tooth: Array | None,
    angles: Array,
    needed: _Needed,
    rng: Rng,
) -> None:
    """One layer of strokes, painted into `canvas` and `height`."""
    width, style = needed.width, needed.style
    places = _places((int(canvas.shape[0]), int(canvas.shape[1])), width, style, rng)
    y, x = places[:, 0], places[:, 1]
    chosen = needed.at(y, x, canvas, colours, light, rng)
    y, x = y[chosen], x[chosen]
    paint = _soft(colours, 0.3 * width)[y, x]
    varied = rng.normal(0, 0.6, (len(y), 3)) + rng.normal(0, 0.8, (len(y), 1))
    paint = np.asarray(paint + style.jitter * varied, np.float32)
    turns = np.round(angles[y, x] / (180 / DIRECTIONS)).astype(int) % DIRECTIONS
    kinds = rng.integers(VARIANTS, size=len(y))
    stamps = _stamps(width, style, rng)
    for n in range(len(y)):
        cover, ridge = stamps[int(kinds[n])][int(turns[n])]
        _press(canvas, height, tooth, cover, ridge, int(y[n]), int(x[n]), paint[n], style)


def _places(shape: tuple[int, int], width: float, style: StrokeStyle, rng: Rng) -> npt.NDArray[np.intp]:
    """Rows and columns (n, 2) of the middles of strokes, in the order in which they are painted."""
    h, w = shape
    step = width * np.sqrt(style.stretch) * 0.5 / style.density
    rows, columns = np.mgrid[0:h:step, 0:w:step]
    places = np.stack([rows.ravel(), columns.ravel()], 1) + rng.uniform(-step, step, (rows.size, 2)) * 0.6
    return rng.permutation(places.clip(0, (h - 1, w - 1)).astype(np.intp))


def _angles(colours: Array, style: StrokeStyle, unit: float, rng: Rng) -> Array:
    """The direction of a stroke at each pixel, in degrees."""
    shape = (int(colours.shape[0]), int(colours.shape[1]))
    if style.angle != "contours":
        zones = _noise(shape, 60 * unit, rng)
        ranks = np.digitize(zones, np.linspace(-1, 1, len(style.angle) - 1))
        return np.asarray(np.array(style.angle, np.float32)[ranks] + 4 * _noise(shape, 8 * unit, rng), np.float32)
    grey = _soft(colours.mean(2), 2 * unit)
    down, across = cv2.Sobel(grey, cv2.CV_32F, 0, 1), cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    total = np.zeros((*shape, 3), np.float32)
    for deviation, weight in FLOW:
        tensor = np.stack((across * across, down * down, across * down), -1)
        total += np.float32(weight) * _soft(tensor, deviation * unit)
    xx, yy, xy = (total[..., n] for n in range(3))
    certain = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    certain = certain / (certain + np.float32(np.median(certain)) + np.float32(1e-9))
    swirl = np.float32(style.swirl) * (1.6 - certain) * _noise(shape, 45 * unit, rng)
    along = np.degrees(0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2)
    return np.asarray(along + swirl, np.float32)


def _stamps(width: float, style: StrokeStyle, rng: Rng) -> Sequence[Sequence[tuple[Array, Array]]]:
    """Cover and height of strokes in every variant and direction, arrays (h, w)."""
    return [
        [_turned(cover, ridge, 180 / DIRECTIONS * n) for n in range(DIRECTIONS)]
        for cover, ridge in _variants(width, style, rng)
    ]


def _variants(width: float, style: StrokeStyle, rng: Rng) -> list[tuple[Array, Array]]:
    """Level strokes of one width: their cover and their height."""
    found: list[tuple[Array, Array]] = []
    for stretch in np.linspace(0.7, 1.2, VARIANTS) * style.stretch:
        long, wide = max(3, round(width * float(stretch))), max(2, round(width))
        v, u = np.mgrid[-1 : 1 : (wide + 2) * 1j, -1 : 1 : (long + 2) * 1j].astype(np.float32)
        stripes = _noise((wide + 2, 1), max(0.6, wide * 0.045), rng)
        bristles = stripes + np.float32(0.35) * _noise((wide + 2, long + 2), (0.6, long * 0.2), rng)
        ends = 1 - 0.18 * (1 + bristles) * (0.3 if style.square else 1)
        round_ = np.sqrt((1 - (np.abs(u) / np.maximum(ends, 0.4)) ** 4).clip(0, 1)) * 0.35 + 0.65
        across = np.ones_like(round_) if style.square else round_
        inside = ((ends - np.abs(u)) * long / 2.5).clip(0, 1) * ((across - np.abs(v)) * wide / 2).clip(0, 1)
        dry = (1 - style.bristle * (0.5 - 0.5 * bristles + 0.5 * u).clip(0, 1) ** 1.5).clip(0, 1)
        ridge = 0.5 + 0.25 * bristles + (0.9 if style.square else 0.5) * np.abs(v) ** 3
        found.append(((inside * dry).astype(np.float32), (inside * ridge).astype(np.float32)))
    return found


def _turned(cover: Array, ridge: Array, angle: float) -> tuple[Array, Array]:
    """A stamp turned by `angle` degrees, in a box that holds it."""
    h, w = cover.shape
    radians = np.deg2rad(angle)
    c, s = abs(np.cos(radians)), abs(np.sin(radians))
    box = (int(w * c + h * s) + 3, int(w * s + h * c) + 3)
    turn = cv2.getRotationMatrix2D(((w - 1) / 2, (h - 1) / 2), -angle, 1.0)
    turn[:, 2] += ((box[0] - w) / 2, (box[1] - h) / 2)
    covers, ridges = (np.asarray(cv2.warpAffine(a, turn, box, flags=cv2.INTER_LINEAR)) for a in (cover, ridge))
    return covers, ridges


def _press(
    canvas: Array,
    height: Array,
    tooth: Array | None,
    cover: Array,
    ridge: Array,
    row: int,
    column: int,
    colour: Array,
    style: StrokeStyle,
) -> None:
    """Lay a stamp on the canvas around a place."""
    h, w = cover.shape
    top, left = row - h // 2, column - w // 2
    above, before = max(0, -top), max(0, -left)
    below, behind = min(h, canvas.shape[0] - top), min(w, canvas.shape[1] - left)
    stamp = cover[above:below, before:behind]
    part = np.s_[top + above : top + below, left + before : left + behind]
    if tooth is not None:
        grain = tooth[part] - style.tooth * (PRESSED - 0.35 * stamp)
        stamp = stamp * (grain * 2.2 + 0.55).clip(0.1, 1)
    stamp = stamp * np.float32(style.opacity)
    seen = canvas[part]
    seen += (colour - seen) * stamp[..., None]
    if style.relief:
        raised = height[part]
        raised += (ridge[above:below, before:behind] - raised) * stamp


def _outlined(canvas: Array, photo: Array, strength: float, unit: float) -> None:
    """Dark contours, as of a loaded brush, where the photo's tones or colours change most."""
    soft = _soft(photo, 3 * unit)
    down, across = cv2.Sobel(soft, cv2.CV_32F, 0, 1), cv2.Sobel(soft, cv2.CV_32F, 1, 0)
    edge = np.sqrt((down * down + across * across).sum(2))
    edge = edge / max(float(np.percentile(edge, 96)), 1e-3)
    line = _soft((edge - 0.6 * _soft(edge, 14 * unit) - 0.35).clip(0, 1), 1.1 * unit)
    canvas *= (1 - np.float32(strength) * (2.2 * line).clip(0, 1))[..., None]


def _lit(canvas: Array, height: Array, relief: float, unit: float) -> Array:
    """Light from the top left on paint of a height."""
    if not relief:
        return canvas
    soft = _soft(height, 0.8 * unit)
    slope = cv2.Sobel(soft, cv2.CV_32F, 1, 0) + cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    light = (np.float32(relief * 0.16) * slope.clip(-2, 2))[..., None]
    return np.asarray(canvas * (1 + 0.7 * light.clip(-1, 1)) + 0.12 * light.clip(0, 1), np.float32)


def _tooth(shape: tuple[int, int], unit: float, rng: Rng) -> Array:
    """The grain of the paper (h, w) in [0, 1]."""
    grain = _noise(shape, 1.5 * unit, rng) + 0.5 * _noise(shape, 0.7 * unit, rng)
    return (0.5 + 0.32 * np.tanh(grain)).astype(np.float32)


def _soft(field: Array, sigma: float) -> Array:
    """Gaussian blur by `sigma` pixels; by a wide one at a smaller size."""
    coarse = max(1, int(sigma / 4))
    if coarse == 1:
        return np.asarray(cv2.GaussianBlur(field, (0, 0), max(sigma, 1e-3), borderType=cv2.BORDER_REFLECT_101))
    h, w = field.shape[:2]
    small = cv2.resize(field, (max(1, w // coarse), max(1, h // coarse)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / coarse, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR))


def _noise(shape: tuple[int, int], sigma: float | tuple[float, float], rng: Rng) -> Array:
    """Blurred white noise of deviation 1; by a wide blur at a smaller size."""
    across = sigma if isinstance(sigma, float | int) else sigma[1]
    down = sigma if isinstance(sigma, float | int) else sigma[0]
    coarse = max(1, int(min(down, across) / 3))
    h, w = (max(2, side // coarse) if side > 1 else 1 for side in shape)
    field = rng.standard_normal((h, w), np.float32)
    field = cv2.GaussianBlur(
        field, (0, 0), sigmaX=max(across / coarse, 1e-3), sigmaY=max(down / coarse, 1e-3), borderType=cv2.BORDER_REFLECT
    ).reshape(h, w)
    field = cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC).reshape(shape)
    return np.asarray(field / np.float32(max(float(field.std()), 1e-6)))

"""The golden manner of Gustav Klimt: a naturally painted subject before gold leaf and ornament.

Lengths are in pixels of a picture whose longest side is `washes.UNITS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2 as untyped
import numpy as np
import numpy.typing as npt

from diffstyle.ops.lines import Array, Rng, blur, contour_lines, flow, gradient, noise
from diffstyle.ops.luma import LUMA

cv2: Any = untyped
Bytes = npt.NDArray[np.uint8]
FINE = 2  # pixels of the ornament for one of the picture
LEAF = np.array(((0.2, 0.12, 0.04), (0.5, 0.34, 0.1), (0.8, 0.6, 0.2), (0.95, 0.81, 0.42)), np.float32)
BROWN, BLACK, IVORY = (62, 38, 16), (28, 22, 22), (240, 226, 188)
BRIGHT, BRONZE, SILVER = (248, 214, 110), (138, 92, 30), (176, 172, 160)
RED, BLUE, GREEN = (168, 60, 44), (52, 84, 128), (78, 116, 84)


def golden(photo: Array, rng: Rng, subject: Array) -> Array:
    """The subject in smooth warm paint with dark contours; what is around it in gold leaf, whose light and shade are
    the photo's, covered with spirals, rectangles, eyes and discs.
    """
    tone = photo @ np.array(LUMA, np.float32)
    shape = (int(tone.shape[0]), int(tone.shape[1]))
    angle = flow(*gradient(photo))
    ground = _ground(tone, rng)
    ornament, cover = _ornament(shape, rng)
    shade = (0.5 + 0.72 * (0.5 * blur(tone, 1.5) + 0.5 * blur(tone, 6.0)))[..., None]
    cover = cover * (0.9 - 0.45 * _busy(tone))
    around = ground + (ornament * shade - ground) * cover[..., None]
    lines = (4 * (contour_lines(tone, angle, 1.6, sensitivity=1.2) - 0.55)).clip(0, 1)
    around += 0.3 * _busy(tone)[..., None] * (photo - tone[..., None])  # some of the hues where there is much to see
    around *= 1 - (0.75 * lines)[..., None] * np.array((0.75, 0.85, 0.95), np.float32)
    inside = _figure(photo, tone, rng)
    inside *= 1 - (0.6 * lines)[..., None] * np.array((0.7, 0.78, 0.85), np.float32)
    out = around + (inside - around) * subject[..., None]
    slope = np.hypot(*(cv2.Sobel(subject, cv2.CV_32F, dx, 1 - dx) for dx in (0, 1)))
    sharp = (1.6 * blur(slope, 2.0) - 0.2).clip(0, 1)
    edge = (sharp * (1 - 3 * np.abs(subject - 0.4)).clip(0, 1) * 1.6).clip(0, 1)[..., None]
    return (out * (1 - edge * np.array((0.62, 0.72, 0.85), np.float32))).clip(0, 1).astype(np.float32)


def _ground(tone: Array, rng: Rng) -> Array:
    """(h, w, 3): gold leaf in squares, hammered, from bronze in the photo's shadows to pale gold in its lights."""
    shape = (int(tone.shape[0]), int(tone.shape[1]))
    low, high = np.percentile(tone, (2, 98))
    level = ((tone - low) / max(float(high - low), 0.2)).clip(0, 1)
    level = 0.3 + 0.68 * (0.7 * blur(level, 1.2) + 0.3 * blur(level, 8.0))
    leaf = 44.0
    y, x = np.indices(shape, np.float32)
    squares = rng.standard_normal((int(shape[0] / leaf) + 2, int(shape[1] / leaf) + 2), np.float32)
    level = level + 0.035 * squares[(y / leaf).astype(int), (x / leaf).astype(int)]
    level = level + 0.05 * noise(shape, 1.2, rng) + 0.04 * noise(shape, 9.0, rng)
    stops = np.linspace(0, 1, len(LEAF))
    return np.stack([np.interp(level, stops, LEAF[:, c]) for c in range(3)], -1).astype(np.float32)


def _figure(photo: Array, tone: Array, rng: Rng) -> Array:
    """(h, w, 3): the photo in smooth paint, ivory in the lights and bronze in the shadows, with some of its hues."""
    smooth = photo
    for _ in range(2):
        smooth = cv2.bilateralFilter(smooth, 9, 0.08, 3.0)
    stops = (0.0, 0.35, 0.7, 1.0)
    warm = ((0.16, 0.1, 0.07), (0.52, 0.33, 0.2), (0.87, 0.7, 0.5), (0.99, 0.94, 0.82))
    toned = np.stack([np.interp(tone, stops, [w[c] for w in warm]) for c in range(3)], -1)
    shape = (int(tone.shape[0]), int(tone.shape[1]))
    return (0.55 * smooth + 0.45 * toned + 0.012 * noise(shape, 1.0, rng)[..., None]).astype(np.float32)


def _busy(tone: Array) -> Array:
    """(h, w) in [0, 1]: where the photo has so much to see that ornament would hide it."""
    return (14 * blur(np.abs(tone - blur(tone, 3.0)), 8.0)).clip(0, 1)


def _ornament(shape: tuple[int, int], rng: Rng) -> tuple[Array, Array]:
    """Motifs in patches of one kind: their colours (h, w, 3) and their cover (h, w)."""
    h, w = (FINE * n for n in shape)
    colours, cover = np.zeros((h, w, 3), np.uint8), np.zeros((h, w), np.uint8)
    seeds = rng.uniform(0, 1, (max(6, round(26 * min(shape) / max(shape))), 2)) * shape
    kinds: Sequence[Callable[[Bytes, Bytes, float, float, Rng], None]] = (_spiral, _spiral, _bars, _eye, _discs, _none)
    order = rng.permutation(len(seeds)) % len(kinds)
    step = 30.0
    for n, row in enumerate(np.arange(step / 3, shape[0] + step, step * 0.86)):
        for column in np.arange(step / 3 + (n % 2) * step / 2, shape[1] + step, step):
            y, x = row + rng.uniform(-3, 3), column + rng.uniform(-3, 3)
            kind = int(order[int(np.square(seeds - (y, x)).sum(1).argmin())])
            kinds[kind](colours, cover, y * FINE, x * FINE, rng)
    size = (shape[1], shape[0])
    small = cv2.resize(colours, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    share = cv2.resize(cover, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)
    return small / np.maximum(share, 1e-3)[..., None], share


def _spiral(colours: Bytes, cover: Bytes, y: float, x: float, rng: Rng) -> None:
    turns, reach = rng.uniform(2.2, 2.9), rng.uniform(11, 15) * FINE
    t = np.linspace(0.08, 1, 60)
    angle = rng.uniform(0, 2 * np.pi) + rng.choice((-1, 1)) * 2 * np.pi * turns * t
    curve = np.stack((x + reach * t * np.cos(angle), y + reach * t * np.sin(angle)), -1)
    paint = BROWN if rng.random() < 0.7 else BRIGHT
    _draw(colours, cover, lambda a, c: cv2.polylines(a, [_fixed(curve)], False, c, 2 * FINE, cv2.LINE_AA, 4), paint)


def _bars(colours: Bytes, cover: Bytes, y: float, x: float, rng: Rng) -> None:
    """Upright rectangles in two rows, as of a mosaic."""
    paints = (BLACK, IVORY, SILVER, BRONZE, BRIGHT, BLACK, RED)
    for row in (-14, 0):
        left = -15.0
        while left < 13:
            wide, tall = rng.uniform(3.5, 8), rng.uniform(9, 13)
            first = (round(x + left * FINE), round(y + row * FINE))
            last = (round(x + (left + wide) * FINE), round(y + (row + tall) * FINE))
            paint = paints[int(rng.integers(len(paints)))]
            _draw(colours, cover, lambda a, c, p=first, q=last: cv2.rectangle(a, p, q, c, -1), paint)
            left += wide + 1.6


def _eye(colours: Bytes, cover: Bytes, y: float, x: float, rng: Rng) -> None:
    """An almond with an iris, as on the dress of Adele Bloch-Bauer."""
    t = np.linspace(-1, 1, 24)
    half, tall = 13.5 * FINE, 6.5 * FINE
    lid = np.stack((x + half * t, y - tall * (1 - t * t)), -1)
    almond = np.concatenate((lid, np.stack((x - half * t, y + tall * (1 - t * t)), -1)))
    _draw(colours, cover, lambda a, c: cv2.fillPoly(a, [_fixed(almond)], c, cv2.LINE_AA, 4), IVORY)
    _draw(colours, cover, lambda a, c: cv2.polylines(a, [_fixed(almond)], True, c, 2 * FINE, cv2.LINE_AA, 4), BROWN)
    iris = (BLUE, BRONZE, GREEN)[int(rng.integers(3))]
    for radius, paint in ((5, iris), (2.2, BLACK)):
        _disc(colours, cover, y, x, radius, paint)


def _discs(colours: Bytes, cover: Bytes, y: float, x: float, rng: Rng) -> None:
    """Discs within discs."""
    paints = (RED, BLUE, GREEN, IVORY, BRIGHT, BRONZE, BLACK)
    for radius in (rng.uniform(9, 12.5), rng.uniform(5.5, 7.5), rng.uniform(2, 3.5)):
        _disc(colours, cover, y, x, radius, paints[int(rng.integers(len(paints)))])


def _none(colours: Bytes, cover: Bytes, y: float, x: float, rng: Rng) -> None:
    """Bare leaf with a few dots."""
    _disc(colours, cover, y, x, float(rng.uniform(1.5, 3)), BRIGHT if rng.random() < 0.5 else BROWN)


def _disc(colours: Bytes, cover: Bytes, y: float, x: float, radius: float, paint: tuple[int, int, int]) -> None:
    centre, reach = (round(x * 16), round(y * 16)), round(radius * FINE * 16)
    _draw(colours, cover, lambda a, c: cv2.circle(a, centre, reach, c, -1, cv2.LINE_AA, 4), paint)


def _draw(
    colours: Bytes, cover: Bytes, shape: Callable[[Bytes, tuple[int, ...]], object], paint: tuple[int, int, int]
) -> None:
    shape(colours, paint)
    shape(cover, (255,))


def _fixed(points: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Points (n, 2) in fixed point with 4 bits of fraction."""
    return np.rint(points * 16).astype(np.int32)

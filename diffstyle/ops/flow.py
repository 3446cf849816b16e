"""Optical flow: how one picture became another, how far that is to be trusted, and pictures moved along it.

A flow from `a` to `b` is (h, w, 2) float32: where the pixel of `a` at (x, y) lies in `b`, less (x, y), in pixels.
Pictures are (h, w, c) float32 in [0, 1].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import cv2 as untyped
import numpy as np
import numpy.typing as npt

from diffstyle.ops.strips import strips

cv2: Any = untyped
Array: TypeAlias = npt.NDArray[np.float32]
Bytes: TypeAlias = npt.NDArray[np.uint8]
Flags: TypeAlias = npt.NDArray[np.bool_]
Search: TypeAlias = Callable[[Bytes, Bytes, Array | None], Array]
"""How a flow is found: from `a` to `b`, greys (h, w), beginning at a start if there is one; `flow_between` is one."""
SMOOTHNESS = 30.0  # of the flow, against the match of brightness; OpenCV's own is 20
AROUND = 8.0  # pixels over which the motion of a place's surroundings is averaged
AS_WELL = 3.0  # squared grey levels by which a plainer flow may explain a picture worse
LEAST_CORNER = 1e-6
SQUARE = 32  # pixels a side of what is warped at once where only parts are wanted
KEPT_PIXELS = 2**20  # up to here the places of pixels are kept for the next frame


def flow_between(a: Bytes, b: Bytes, start: Array | None = None) -> Array:
    """The flow from `a` to `b`, greys (h, w), by dense inverse search (Kroeger et al. 2016).

    The search begins from `start`, so that it finds motions larger than it could find alone. Where a picture is flat,
    or shows the same stripe twice, search finds motions that nobody sees: there the flow is that of the surroundings.
    """
    return _plainest(_searched(a, b, start, iterations=12, stride=3), a, b)


def quick_flow(a: Bytes, b: Bytes, start: Array | None = None) -> Array:
    """As `flow_between`, of fewer patches and steps, in four fifths of the time.

    Where motion is smooth, the two differ by hundredths of a pixel, at its edges by whole ones. Clips that are steadied
    by it flicker as little (`python -m benchmarks.video`); measures take the other one.
    """
    return _plainest(_searched(a, b, start, iterations=8, stride=4), a, b)


def reduced(picture: Array, longest: int) -> Array:
    """`picture` of at most `longest` pixels a side, and of at least 16."""
    h, w = picture.shape[:2]
    scale = min(1.0, longest / max(h, w))
    size = (max(16, round(w * scale)), max(16, round(h * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def greys(picture: Array) -> Bytes:
    """`picture` in grey, (h, w)."""
    return np.asarray(cv2.cvtColor((picture.clip(0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY), np.uint8)


def resized(flow: Array, shape: tuple[int, ...]) -> Array:
    """`flow` for pictures of another (h, w, ...)."""
    h, w = flow.shape[:2]
    if (h, w) == shape[:2]:
        return flow
    wide = cv2.resize(flow, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(wide, (shape[1] / w, shape[0] / h, 1, 1)), np.float32)


def warped(picture: Array, flow: Array, *, sharp: bool = False, where: Flags | None = None) -> Array:
    """What `picture`, (h, w) or (h, w, 3), shows where `flow` leads: brought from the end of a flow to its beginning.

    Positions outside take the nearest edge. Sampling is linear, or cubic if `sharp`, which keeps fine marks. Far from
    `where` (h, w), if it is given, nothing is computed, and all is 0.
    """
    how = cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR
    h, w = flow.shape[:2]
    if where is None and h * w <= KEPT_PIXELS:
        return np.asarray(cv2.remap(picture, _places(flow), None, how, borderMode=cv2.BORDER_REPLICATE), np.float32)
    found = np.empty((h, w, *picture.shape[2:]), np.float32)
    if where is not None:
        found.fill(0)
    for strip in strips(h, w, pixels=KEPT_PIXELS // 2):  # for memory
        rows = strip.target()
        if where is not None and not where[rows].any():
            continue
        places = _places(flow[rows], rows.start)
        for part in [np.s_[:, :]] if where is None else _parts(where[rows]):
            found[rows][part] = cv2.remap(picture, places[part], None, how, borderMode=cv2.BORDER_REPLICATE)
    return found


def _parts(where: Flags) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the squares in which `where` (h, w) is true anywhere; neighbours in a row are one part."""
    height, width = where.shape
    lines = [where[top : top + SQUARE].any(0) for top in range(0, height, SQUARE)]
    for n, line in enumerate(np.logical_or.reduceat(lines, range(0, width, SQUARE), 1)):
        edges = np.flatnonzero(np.diff(line, prepend=False, append=False)) * SQUARE
        for left, right in zip(edges[::2], edges[1::2], strict=True):
            yield slice(n * SQUARE, (n + 1) * SQUARE), slice(left, right)


def chained(first: Array, second: Array) -> Array:
    """The flow from `a` to `c`, of flows from `a` to `b` and from `b` to `c`."""
    return first + warped(second, first)


def consistent(flow: Array, back: Array) -> Flags:
    """Where following `flow` and then `back` returns to the start: elsewhere the second picture hides the place.

    Sundaram et al. 2010, "Dense point trajectories by GPU-accelerated large displacement optical flow", equation 5.
    """
    returned = warped(back, flow)
    gap, length = squared(flow + returned), squared(flow) + squared(returned)
    return np.asarray(gap < 0.01 * length + 0.5, np.bool_)


def motion_boundaries(flow: Array) -> Flags:
    """Where neighbouring pixels move differently, so that the flow may belong to either (Sundaram et al. 2010)."""
    along_y, along_x = (np.asarray(d, np.float32) for d in np.gradient(flow, axis=(0, 1)))
    return np.asarray(squared(along_x) + squared(along_y) > 0.01 * squared(flow) + 0.002, np.bool_)


def inside(flow: Array, margin: float = 0.0) -> Flags:
    """Where `flow` leads to a place within the picture, and where `margin` times its length farther on does, and its
    median: what comes in at an edge is found nowhere, and search takes what is beside it.
    """
    found = _within(flow)
    if margin == 0:
        return found
    beyond = np.asarray(np.median(flow[::4, ::4], axis=(0, 1)) * margin, np.float32)
    return found & _within(flow * (1 + margin)) & _within(flow, beyond)


def _within(flow: Array, shift: Array | tuple[float, float] = (0, 0)) -> Flags:
    """Where `flow` and `shift` lead to a place within the picture."""
    h, w = flow.shape[:2]
    places = _places(flow)
    x, y = float(shift[0]), float(shift[1])
    return np.asarray(cv2.inRange(places, (-x, -y), (w - 1 - x, h - 1 - y)) > 0, np.bool_)


def squared(vectors: Array) -> Array:
    """The squared lengths, (h, w), of vectors (h, w, c): numpy's own sum over a short last axis is slow."""
    found, ones = np.empty(vectors.shape[:2], np.float32), np.ones((1, vectors.shape[-1]), np.float32)
    for strip in strips(*vectors.shape[:2], pixels=KEPT_PIXELS):
        rows = strip.target()
        found[rows] = cv2.transform(np.square(vectors[rows]), ones)
    return found


def _searched(a: Bytes, b: Bytes, start: Array | None, *, iterations: int, stride: int) -> Array:
    """By patches that lie `stride` pixels apart, each matched in `iterations` steps."""
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setVariationalRefinementAlpha(SMOOTHNESS)
    search.setGradientDescentIterations(iterations)
    search.setPatchStride(stride)
    return np.asarray(search.calc(a, b, None if start is None else start.copy()), np.float32)


def _plainest(flow: Array, a: Bytes, b: Bytes) -> Array:
    """`flow`, or where it explains `a` as well, that of the surroundings, in which corners count most."""
    corners = cv2.GaussianBlur(cv2.cornerMinEigenVal(a, 5), (0, 0), 2) + LEAST_CORNER
    x, y = cv2.split(flow)
    around = _averaged(cv2.merge([corners * x, corners * y, corners]), AROUND)
    plainer = (_unlike(around, a, b) < _unlike(flow, a, b) + AS_WELL).astype(np.float32)
    return np.asarray(flow + (around - flow) * spread(cv2.GaussianBlur(plainer, (0, 0), 4), 2), np.float32)


def _averaged(weighted: Array, sigma: float) -> Array:
    """(h, w, 2): the mean of flows around each pixel, of flows times their weights and the weights, (h, w, 3)."""
    h, w = weighted.shape[:2]
    small = cv2.resize(weighted, (max(4, w // 4), max(4, h // 4)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / 4)  # at a quarter of the size
    return np.asarray(cv2.resize(small[..., :2] / small[..., 2:], (w, h)), np.float32)


def _unlike(flow: Array, a: Bytes, b: Bytes) -> Array:
    """How far `b`, moved along `flow`, is from `a` around each pixel: (h, w), in squared grey levels."""
    moved = cv2.remap(b, _places(flow), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(np.square(moved.astype(np.float32) - a), (0, 0), 2), np.float32)


def _places(flow: Array, top: int = 0) -> Array:
    """Where each pixel of the first picture lies in the second: (h, w, 2), for the rows of the first from `top` on."""
    h, w = flow.shape[:2]
    return flow + (_grid(h, w) if h * w <= KEPT_PIXELS and not top else _grid.__wrapped__(h, w, top))


@lru_cache(4)
def _grid(height: int, width: int, top: int = 0) -> Array:
    """(height, width, 2): x and y of every pixel, for rows from `top` on."""
    lines = np.arange(top, top + height, dtype=np.float32)
    grid = np.stack(np.meshgrid(np.arange(width, dtype=np.float32), lines), -1)
    grid.flags.writeable = False
    return grid


def spread(weights: Array, channels: int) -> Array:
    """(h, w, channels): `weights` (h, w) for each channel; numpy's broadcasting over a short last axis is slow."""
    return np.asarray(cv2.merge([weights] * channels), np.float32)

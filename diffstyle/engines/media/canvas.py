"""Where a medium is drawn: rows of a picture of any size, measured in units so that its look depends on no size.

The longest side of a picture is `UNITS` units. A medium is planned once, on the photo at one pixel per unit, and then
drawn in strips at the size of the result: smooth fields are enlarged and thresholded there, shapes are rasterised
there, so edges are sharp at every size and memory holds one strip.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2 as untyped
import numpy as np
import numpy.typing as npt

from diffstyle.ops.strips import strips

cv2: Any = untyped
UNITS = 800
DRAWN_SIDE = 1400  # pixels; smaller pictures are drawn at least so large and averaged down
STRIP_PIXELS = 2**20
_MARGIN = 4  # pixels
_BITS = 4  # of a pixel's fraction, in OpenCV's coordinates

Array: TypeAlias = npt.NDArray[np.floating[Any]]
"""Numbers of either precision; whole pictures are float32."""
Bytes: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Window:
    """`rows` rows from `top` of a picture of `height` x `width` pixels, which is `units` (h, w) units large."""

    top: int
    rows: int
    height: int
    width: int
    units: tuple[int, int]

    @property
    def pixel(self) -> float:
        """The side of a pixel in units."""
        return (self.units[0] / self.height + self.units[1] / self.width) / 2

    def grid(self) -> tuple[Array, Array]:
        """The centres of the pixels in units: y (rows, 1) and x (1, width)."""
        y = (np.arange(self.top, self.top + self.rows, dtype=np.float32) + 0.5) * (self.units[0] / self.height)
        x = (np.arange(self.width, dtype=np.float32) + 0.5) * (self.units[1] / self.width)
        return y[:, None].astype(np.float32), x[None].astype(np.float32)

    def sample(self, field: Array, *, smooth: bool = True) -> Array:
        """A field (h, w) or (h, w, 3) of the whole picture at any resolution -> these rows of it, cubic or linear."""
        h, w = field.shape[:2]
        across, down = w / self.width, h / self.height
        place = np.array(
            [[across, 0, across / 2 - 0.5], [0, down, (self.top + 0.5) * down - 0.5]],
            np.float64,
        )
        order = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
        flags = order | cv2.WARP_INVERSE_MAP
        size = (self.width, self.rows)
        return cv2.warpAffine(field, place, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)

    def at(self, field: Array, y: Array, x: Array) -> Array:
        """A field (h, w) or (h, w, 3) of one value per unit, at places in units, linear."""
        y, x = np.broadcast_arrays(y, x)
        columns, rows = (np.ascontiguousarray(c - np.float32(0.5), np.float32) for c in (x, y))
        return cv2.remap(field, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)

    def cover(self, distance: Array) -> Array:
        """Signed distances in units, positive inside a shape -> how much of each pixel the shape covers."""
        return (distance * np.float32(1 / self.pixel) + np.float32(0.5)).clip(0, 1)

    def points(self, places: Array) -> npt.NDArray[np.int32]:
        """Places (..., 2) as y, x in units -> OpenCV's fixed-point x, y on a canvas of these rows."""
        x = places[..., 1] * (self.width / self.units[1]) - 0.5
        y = places[..., 0] * (self.height / self.units[0]) - 0.5 - self.top + _MARGIN
        return np.rint(np.stack([x, y], -1) * 2**_BITS).astype(np.int32)

    def near(self, y: Array, reach: Array | float) -> npt.NDArray[np.intp]:
        """The indices of shapes whose middle row `y` (n,) lies within `reach` units of these rows."""
        scale = self.units[0] / self.height
        low, high = self.top * scale, (self.top + self.rows) * scale
        return np.flatnonzero((y + reach >= low) & (y - reach <= high))

    def canvas(self, colour: Array) -> Bytes:
        """Rows of one colour (3,) to draw shapes on, with a margin above and below, where OpenCV cuts edges roughly."""
        return np.broadcast_to(to_bytes(colour), (self.rows + 2 * _MARGIN, self.width, 3)).copy()

    def thick(self, width: float) -> int:
        """A line `width` units wide, in whole pixels."""
        return max(1, round(width / self.pixel))


Draw: TypeAlias = Callable[[Window], Array]
"""Draws rows of a picture: (rows, width, 3), about in [0, 1]."""


def canvas_of(ground: Array) -> Bytes:
    """Rows (rows, width, 3) as a canvas with its margin, to draw shapes over them."""
    return to_bytes(np.pad(ground, ((_MARGIN, _MARGIN), (0, 0), (0, 0)), mode="edge"))


def fill(canvas: Bytes, polygon: npt.NDArray[np.int32], colour: Sequence[int], *, hard: bool = False) -> None:
    """Fill a convex polygon (n, 2) in fixed-point pixels, with smooth edges unless `hard`."""
    cv2.fillConvexPoly(canvas, polygon, colour, cv2.LINE_8 if hard else cv2.LINE_AA, _BITS)


def stroke(canvas: Bytes, line: npt.NDArray[np.int32], colour: Sequence[int], thickness: int) -> None:
    """Draw a line through points (n, 2) in fixed-point pixels."""
    cv2.polylines(canvas, [line], False, colour, thickness, cv2.LINE_AA, _BITS)


def to_bytes(colours: Array) -> Bytes:
    """Colours in [0, 1] -> uint8."""
    return (colours.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def from_bytes(canvas: Bytes) -> Array:
    """A canvas -> its rows without the margin, float32 in [0, 1]."""
    return canvas[_MARGIN:-_MARGIN].astype(np.float32) * np.float32(1 / 255)


def units_of(height: int, width: int) -> tuple[int, int]:
    """(h, w) in units of a picture of that size in pixels; a very narrow one is stretched to a few."""
    longest = max(height, width)
    return max(4, round(height * UNITS / longest)), max(4, round(width * UNITS / longest))


def draw_all(draw: Draw, height: int, width: int, on_strip: Callable[[int, int], None]) -> Array:
    """The whole picture (height, width, 3), clipped to [0, 1]; `on_strip` is called with (done, total) of strips."""
    times = max(1, -(-DRAWN_SIDE // max(height, width)))
    units = units_of(height, width)
    out = np.empty((height, width, 3), np.float32)
    parts = list(strips(height, width, pixels=max(1, STRIP_PIXELS // times**2)))
    for n, part in enumerate(parts):
        on_strip(n, len(parts))
        rows = part.keep_bottom - part.keep_top
        window = Window(part.keep_top * times, rows * times, height * times, width * times, units)
        drawn = draw(window).astype(np.float32, copy=False)
        if times > 1:
            drawn = drawn.reshape(rows, times, width * times, 3).mean(1).reshape(rows, width, times, 3).mean(2)
        out[part.target()] = drawn.clip(0, 1)
    return out

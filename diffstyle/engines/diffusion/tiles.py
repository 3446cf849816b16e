"""Overlapping tiles over a picture: where they lie, how they are blended, and whether their edges are seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

NEAR = 3  # latents to either side of a border that its jump is compared with


@dataclass(frozen=True, slots=True)
class Window:
    """Rows top:bottom and columns left:right."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, planes: Tensor, scale: int = 1) -> Tensor:
        """Its part of (..., h, w), whose sides are `scale` times those that the window counts in."""
        return planes[..., self.top * scale : self.bottom * scale, self.left * scale : self.right * scale]

    def times(self, scale: int) -> Window:
        return Window(self.top * scale, self.bottom * scale, self.left * scale, self.right * scale)


@dataclass(frozen=True, slots=True)
class Tiles:
    """Tiles of at most `side` on (height, width), evenly spread, each over its neighbour by `overlap` or more."""

    height: int
    width: int
    side: int
    overlap: int

    @property
    def rows(self) -> list[int]:
        return _starts(self.height, self.side, self.overlap)

    @property
    def columns(self) -> list[int]:
        return _starts(self.width, self.side, self.overlap)

    @property
    def count(self) -> int:
        return len(self.rows) * len(self.columns)

    def __iter__(self) -> Iterator[Window]:
        for top, left in product(self.rows, self.columns):
            yield Window(top, min(self.height, top + self.side), left, min(self.width, left + self.side))

    def weight(self, window: Window, scale: int = 1) -> Tensor:
        """(h, w) times `scale`: 1 inside, ever less over the overlap towards an edge that is not the picture's."""
        place, overlap = window.times(scale), self.overlap * scale
        down = _ramp(place.top, place.bottom, self.height * scale, overlap)
        return down[:, None] * _ramp(place.left, place.right, self.width * scale, overlap)

    def borders(self) -> tuple[list[int], list[int]]:
        """Rows and columns at which a tile begins or ends inside the picture."""
        return tuple(  # pyright: ignore[reportReturnType]
            sorted({edge for s in starts for edge in (s, s + self.side) if 0 < edge < length})
            for starts, length in ((self.rows, self.height), (self.columns, self.width))
        )


def seam_score(pixels: Tensor, rows: Sequence[int], columns: Sequence[int], *, scale: int) -> float:
    """Mean jump of (3, H, W) across the borders before these rows and columns, over the mean jump across those that lie
    one, two and three times `scale` beside them: about 1 where no seam is seen, and 1 without borders.

    Those and no others, for what a VAE decodes has a grain of `scale` pixels of its own.
    """
    across = beside = 0.0
    for planes, borders in ((pixels, columns), (pixels.mT, rows)):
        jumps = planes.diff(dim=2).abs().mean((0, 1))  # (w - 1,)
        for border in borders:
            near = [border - 1 + n * scale for n in range(-NEAR, NEAR + 1) if n]
            near = [n for n in near if 0 <= n < len(jumps)]
            across += float(jumps[border - 1])
            beside += float(jumps[near].mean())
    return across / beside if beside > 0 else 1.0


def _starts(length: int, side: int, overlap: int) -> list[int]:
    if length <= side:
        return [0]
    count = -(-(length - overlap) // (side - overlap))
    return [round(n * (length - side) / (count - 1)) for n in range(count)]


def _ramp(begin: int, end: int, length: int, overlap: int) -> Tensor:
    place = torch.arange(end - begin) + 0.5
    up = (place / overlap).clamp_max(1) if begin > 0 else torch.ones_like(place)
    down = ((end - begin - place) / overlap).clamp_max(1) if end < length else torch.ones_like(place)
    return up * down

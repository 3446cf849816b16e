"""Pictures in overlapping tiles: where they lie, and how what was painted in them is put together without a seam."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

INNER = 832  # pixels a side of what a tile contributes; a multiple of 32, so that maps of all tiles have one phase
MARGIN = 96  # around it, for what convolutions and matches look at; a multiple of 32
RAMP = 32  # of the margin, over which neighbours fade into each other


@dataclass(frozen=True, slots=True)
class Tile:
    """Pixels [top, bottom) x [left, right) of a picture, its margins included."""

    top: int
    bottom: int
    left: int
    right: int

    def cut(self, picture: Tensor) -> Tensor:
        """A view of (…, h, w)."""
        return picture[..., self.top : self.bottom, self.left : self.right]


def tiles(height: int, width: int) -> Iterator[Tile]:
    """Tiles that cover a picture, row by row."""
    for top in range(0, height, INNER):
        for left in range(0, width, INNER):
            yield Tile(
                max(0, top - MARGIN),
                min(height, top + INNER + MARGIN),
                max(0, left - MARGIN),
                min(width, left + INNER + MARGIN),
            )


def in_tiles(height: int, width: int, paint: Callable[[Tile], Tensor], on_tile: Callable[[float], None]) -> Tensor:
    """(1, 3, height, width) from paint(tile) -> (1, 3, rows, columns); neighbours fade into each other.

    `on_tile(share)` is called before each tile with the share that is done.
    """
    out, total = torch.zeros(1, 3, height, width), torch.zeros(1, 1, height, width)
    every = list(tiles(height, width))
    for n, tile in enumerate(every):
        on_tile(n / len(every))
        painted = paint(tile)
        rows = _share(tile.top, tile.bottom, height)[:, None]
        weight = (rows * _share(tile.left, tile.right, width))[None, None]
        tile.cut(out).add_(painted * weight)
        tile.cut(total).add_(weight)
    return out.div_(total)


def _share(first: int, last: int, size: int) -> Tensor:
    """How much each line of [first, last) counts: 1 inside, 0 in the outer margin, a ramp between; 1 at the border."""
    line = torch.arange(first, last, dtype=torch.float32) + 0.5
    share = torch.ones(last - first)
    if first > 0:
        share = share.minimum((line - first - MARGIN + RAMP / 2) / RAMP)
    if last < size:
        share = share.minimum((last - MARGIN + RAMP / 2 - line) / RAMP)
    return share.clamp(0, 1)

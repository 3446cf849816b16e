"""A result with its photo and its style: the input of every figure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from torch import Tensor

from diffstyle.core.picture import Picture, fitted, flattened
from diffstyle.evaluation.measures import Array

T = TypeVar("T")
GRID = 16  # sides are multiples of it, as the feature networks want them


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture at the size it is compared at: `pixels` (3, h, w) float32 in [0, 1].

    Values derived from it, such as feature maps, are cached and shared by all figures.
    """

    pixels: Tensor
    _kept: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def array(self) -> Array:
        """(h, w, 3) float32 in [0, 1]."""
        return self.kept("array", lambda: np.ascontiguousarray(self.pixels.permute(1, 2, 0).numpy()))

    def kept(self, name: str, make: Callable[[], T]) -> T:
        """The cached value called `name`, computed by `make` on first use."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast("T", self._kept[name])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Case:
    """A result `out` of the pair called `name`. `photo` and `out` have one size, `style` has its own.

    `seconds`, `memory` (peak, in bytes) and `pixels` (of the file) are what the render took; None if unknown.
    """

    name: str
    photo: View
    style: View
    out: View
    pixels: int = 0
    seconds: float | None = None
    memory: int | None = None


def compared_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """(width, height) with a longest side of at most `side`, both multiples of GRID."""
    width, height = size if max(size) <= side else fitted(size, side)
    return max(GRID, round(width / GRID) * GRID), max(GRID, round(height / GRID) * GRID)


def view(picture: Picture, size: tuple[int, int]) -> View:
    """`picture`, on white where it is transparent, resampled to `size` (width, height) with a Lanczos filter."""
    return View(flattened(picture).resized(size).pixels)


def open_view(path: Path, *, side: int, square: bool = False) -> View:
    """The picture at `path`, or its central `square`, with a longest side of at most `side`, as figures compare it."""
    picture = open_whole(path, square=square)
    return view(picture, compared_size(picture.size, side))


def open_whole(path: Path, *, square: bool = False) -> Picture:
    """The picture at `path`, or its central `square`, which is rounded as torchvision's CenterCrop does."""
    picture = Picture.open(path)
    side = min(picture.size)
    if not square or picture.width == picture.height:
        return picture
    top, left = round((picture.height - side) / 2), round((picture.width - side) / 2)
    rows, columns = slice(top, top + side), slice(left, left + side)
    alpha = None if picture.alpha is None else picture.alpha[:, rows, columns].contiguous()
    return replace(picture, pixels=picture.pixels[:, rows, columns].contiguous(), alpha=alpha)

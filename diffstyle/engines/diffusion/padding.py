"""Padding around a picture: networks that pad with zeros spoil its edges."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Padding:
    """`wide` mirrored pixels on every side, then repeated ones on the `right` and `below` until both sides are a
    multiple of what the networks need.
    """

    width: int
    height: int
    wide: int
    right: int
    below: int

    @classmethod
    def of(cls, size: tuple[int, int], *, margin: int, multiple: int) -> Padding:
        """For a picture of `size` (width, height); a mirror cannot be wider than the picture."""
        wide = min(margin, *(side - 1 for side in size))
        right, below = (-(side + 2 * wide) % multiple for side in size)
        return cls(*size, wide, right, below)

    @property
    def outer(self) -> tuple[int, int]:
        """(height, width) of the padded picture."""
        return self.height + 2 * self.wide + self.below, self.width + 2 * self.wide + self.right

    def add(self, planes: Tensor) -> Tensor:
        """(c, h, w) -> (c, *outer)."""
        if self.wide:
            planes = F.pad(planes[None], (self.wide,) * 4, mode="reflect")[0]
        if self.right or self.below:
            planes = F.pad(planes[None], (0, self.right, 0, self.below), mode="replicate")[0]
        return planes

    def remove(self, planes: Tensor) -> Tensor:
        """(c, *outer) -> (c, h, w)."""
        return planes[:, self.wide : self.wide + self.height, self.wide : self.wide + self.width].contiguous()

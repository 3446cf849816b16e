"""What is painted around a picture and cut off again: networks that pad with zeros spoil their edges."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Frame:
    """`wide` pixels on every side, the picture's own mirrored; and as many more to the right and below, its last ones
    repeated, as make both sides a multiple of what the networks need.
    """

    width: int
    height: int
    wide: int
    right: int
    below: int

    @classmethod
    def of(cls, size: tuple[int, int], *, margin: int, multiple: int) -> Frame:
        """Around a picture of `size` (width, height); a mirror shows no more of it than there is."""
        wide = min(margin, *(side - 1 for side in size))
        right, below = (-(side + 2 * wide) % multiple for side in size)
        return cls(*size, wide, right, below)

    @property
    def outer(self) -> tuple[int, int]:
        """(height, width) with the frame."""
        return self.height + 2 * self.wide + self.below, self.width + 2 * self.wide + self.right

    def around(self, planes: Tensor) -> Tensor:
        """(c, h, w) with the frame around it."""
        if self.wide:
            planes = F.pad(planes[None], (self.wide,) * 4, mode="reflect")[0]
        if self.right or self.below:
            planes = F.pad(planes[None], (0, self.right, 0, self.below), mode="replicate")[0]
        return planes

    def inside(self, planes: Tensor) -> Tensor:
        """(c, h, w) without it."""
        return planes[:, self.wide : self.wide + self.height, self.wide : self.wide + self.width].contiguous()

"""Large pictures in horizontal strips, so that an operation takes the memory of one strip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diffstyle.core.cancelling import check_cancelled


@dataclass(frozen=True, slots=True)
class Strip:
    """Rows `top` to `bottom` of a picture, of which `keep_top` to `keep_bottom` are kept; the others are a margin."""

    top: int
    bottom: int
    keep_top: int
    keep_bottom: int

    def rows(self, scale: int = 1) -> slice:
        """All rows, on a grid coarser by `scale`."""
        return slice(self.top // scale, self.bottom // scale)

    def target(self, scale: int = 1) -> slice:
        """The kept rows, counted from the top of the picture."""
        return slice(self.keep_top // scale, self.keep_bottom // scale)

    def kept(self, scale: int = 1) -> slice:
        """The kept rows, counted from the top of the strip."""
        return slice((self.keep_top - self.top) // scale, (self.keep_bottom - self.top) // scale)


def strips(height: int, width: int, *, pixels: int, margin: int = 0, multiple: int = 1) -> Iterator[Strip]:
    """Strips that cover a picture of `height` x `width`, each of about `pixels` kept pixels.

    `margin` rows are added above and below where the picture has them: for a local operation, as many as it looks far.
    The first kept row of a strip is a multiple of `multiple`. Raises Cancelled between two strips.
    """
    step = max(multiple, pixels // width // multiple * multiple)
    for top in range(0, height, step):
        check_cancelled()
        bottom = min(top + step, height)
        yield Strip(max(0, top - margin), min(height, bottom + margin), top, bottom)

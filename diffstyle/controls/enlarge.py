"""Pictures larger than an engine paints well: painted smaller, enlarged, and given the preview's fine detail."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from diffstyle.controls.resize import fitted
from diffstyle.controls.wrapper import Wrapper, with_content
from diffstyle.engines.base import Engine, OnStep
from diffstyle.picture import Picture
from diffstyle.task import Task


class Enlarge(Wrapper):
    """Has contents whose area is over `side` squared painted at that area.

    What enlarging leaves out, the finest detail, is taken from `detail`, the preview of the same task at full size.
    """

    def __init__(self, engine: Engine, *, side: int, detail: Engine) -> None:
        super().__init__(engine)
        self.side, self.detail = side, detail

    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
        content = task.content
        scale = (self.side**2 / (content.width * content.height)) ** 0.5
        if scale >= 1 or task.strength == 0:
            return self.engine.render(task, on_step)
        size = fitted(content.size, round(max(content.size) * scale))
        smaller = with_content(task, content.resized(size), lambda mask: mask.resized(size))
        painted = self.engine.render(smaller, on_step)
        fine = _fine(self.detail.render(replace(task, engine="adain", size=None)), size)
        pixels = (painted.resized(content.size).pixels + fine).clamp_(0, 1)
        note = f"Painted at {size[0]}x{size[1]} and enlarged."
        return Picture(pixels, content.alpha, content.source, (*painted.notes, note))


def _fine(picture: Picture, size: tuple[int, int]) -> Tensor:
    """(3, H, W): what is lost of `picture` on the way to `size` and back."""
    opaque = Picture(picture.pixels)
    return opaque.pixels - opaque.resized(size).resized(opaque.size).pixels

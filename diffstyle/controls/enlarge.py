"""Pictures painted at another size than their own: smaller, where an engine paints no larger ones well."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from diffstyle.controls.resize import fitted
from diffstyle.controls.wrapper import Wrapper, with_content
from diffstyle.core.picture import Picture
from diffstyle.core.task import Task
from diffstyle.engines.base import Engine, OnStep


class Enlarge(Wrapper):
    """Has contents whose area is over `side` squared painted at that area, unless `task.tile` says to paint them whole.

    What enlarging leaves out, the finest detail, is taken from `detail`, the preview of the same task at full size.
    """

    def __init__(self, engine: Engine, *, side: int, detail: Engine) -> None:
        super().__init__(engine)
        self.side, self.detail = side, detail

    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
        content = task.content
        scale = (self.side**2 / (content.width * content.height)) ** 0.5
        if scale >= 1 or task.strength == 0 or task.tile is not None:
            return self.engine.render(task, on_step)
        painted = at_size(self.engine, task, fitted(content.size, round(max(content.size) * scale)), on_step)
        size = "x".join(map(str, painted.size))
        fine = lost(self.detail.render(replace(task, engine="adain", size=None)), painted.size)
        return brought_back(painted, content, fine, f"Painted at {size} and enlarged.")


def at_size(engine: Engine, task: Task, size: tuple[int, int], on_step: OnStep | None) -> Picture:
    """What `engine` paints of the task at `size` (width, height)."""
    return engine.render(with_content(task, task.content.resized(size), lambda mask: mask.resized(size)), on_step)


def brought_back(painted: Picture, content: Picture, fine: Tensor, note: str) -> Picture:
    """A painting at the size of `content`, with the detail `fine` (3, H, W) added."""
    pixels = Picture(painted.pixels).resized(content.size).pixels.add(fine).clamp_(0, 1)
    return replace(painted, pixels=pixels, alpha=content.alpha, notes=(*painted.notes, note))


def lost(picture: Picture, size: tuple[int, int]) -> Tensor:
    """(3, H, W): what is lost of `picture` on the way to `size` and back."""
    opaque = Picture(picture.pixels)
    return opaque.pixels - opaque.resized(size).resized(opaque.size).pixels

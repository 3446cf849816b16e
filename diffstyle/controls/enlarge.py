"""Pictures larger than an engine paints well: painted smaller, then enlarged."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.picture import Picture, fitted
from diffstyle.core.task import ResolvedTask, Task, map_styles, with_content
from diffstyle.engines.base import Engine, OnStep


class Enlarge(Wrapper):
    """Paints contents larger than the engine's `largest_side`, squared, at that area and enlarges the painting.

    The finest detail, which enlarging cannot restore, comes from `detail`, the preview of the same task at full size.
    """

    def __init__(self, engine: Engine, *, detail: Engine) -> None:
        super().__init__(engine)
        self.detail = detail

    def prepare(self, task: Task) -> ResolvedTask:
        resolved = self.engine.prepare(task)
        return resolved if self.largest_side(resolved) is None else map_styles(resolved, self.detail.measure)

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        content, side = task.content, self.largest_side(task)
        scale = 1.0 if side is None else (side**2 / (content.width * content.height)) ** 0.5
        if scale >= 1 or task.strength == 0:
            return self.engine.render(task, on_step)
        painted = render_at(self.engine, task, fitted(content.size, round(max(content.size) * scale)), on_step)
        size = "x".join(map(str, painted.size))
        fine = lost_detail(self.detail.render(replace(task, size=None)), painted.size)
        return enlarged(painted, content, fine, f"Painted at {size} and enlarged.")


def render_at(engine: Engine, task: ResolvedTask, size: tuple[int, int], on_step: OnStep | None) -> Picture:
    """What `engine` paints of the task at `size` (width, height)."""
    return engine.render(with_content(task, task.content.resized(size), lambda mask: mask.resized(size)), on_step)


def enlarged(painted: Picture, content: Picture, fine: Tensor, note: str) -> Picture:
    """A painting at the size of `content`, with the detail `fine` (3 or 1, H, W) added."""
    pixels = Picture(painted.pixels).resized(content.size).pixels.add(fine).clamp_(0, 1)
    return replace(painted, pixels=pixels, alpha=content.alpha, notes=(*painted.notes, note))


def lost_detail(picture: Picture, size: tuple[int, int]) -> Tensor:
    """(3, H, W): what resizing `picture` to `size` (width, height) and back loses."""
    opaque = Picture(picture.pixels)
    return opaque.pixels - opaque.resized(size).resized(opaque.size).pixels

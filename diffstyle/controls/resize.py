"""`size`: the longest side of the result."""

from __future__ import annotations

from dataclasses import replace

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.picture import MIN_SIDE, Picture
from diffstyle.core.task import Task
from diffstyle.engines.base import Engine, OnStep


class Resize(Wrapper):
    """Renders the content at `task.size`; without one, at its own size."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._last: tuple[Picture, Picture] | None = None  # the same object again, so that engines know it again

    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
        if task.size is None:
            return self.engine.render(task, on_step)
        size = fitted(task.content.size, task.size)
        if self._last is None or self._last[0] is not task.content or self._last[1].size != size:
            self._last = task.content, task.content.resized(size)
        return self.engine.render(replace(task, content=self._last[1]), on_step)


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """`size` scaled so that its longer side is `longest`; the shorter one stays usable."""
    scale = longest / max(size)
    width, height = (max(MIN_SIDE, round(side * scale)) for side in size)
    return width, height

"""`size`: the longest side of the result."""

from __future__ import annotations

from dataclasses import replace

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.picture import Picture, fitted
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.base import Engine, OnStep


class Resize(Wrapper):
    """Renders the content at `task.size`; without one, at its own size."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._last: tuple[Picture, Picture] | None = None  # the same object again: engines cache by identity

    def forget(self) -> None:
        self._last = None
        super().forget()

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        if task.size is None:
            return self.engine.render(task, on_step)
        size = fitted(task.content.size, task.size)
        last = self._last  # read once: another thread may replace it
        if last is None or last[0] is not task.content or last[1].size != size:
            self._last = last = task.content, task.content.resized(size)
        return self.engine.render(replace(task, content=last[1]), on_step)

"""`size`: the longest side of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from diffstyle.engines.base import Engine, OnStep
from diffstyle.picture import MIN_SIDE, Picture
from diffstyle.style import Style
from diffstyle.task import Task


@dataclass(frozen=True, slots=True)
class Resize:
    """Renders the content at `task.size`; without one, at its own size."""

    engine: Engine

    @property
    def needs(self) -> Literal["references", "embedding"]:
        return self.engine.needs

    @property
    def weights(self) -> Mapping[str, str]:
        return self.engine.weights

    def measure(self, style: Style) -> Style:
        return self.engine.measure(style)

    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
        if task.size is None:
            return self.engine.render(task, on_step)
        content = task.content.resized(fitted(task.content.size, task.size))
        return self.engine.render(replace(task, content=content), on_step)


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """`size` scaled so that its longer side is `longest`; the shorter one stays usable."""
    scale = longest / max(size)
    width, height = (max(MIN_SIDE, round(side * scale)) for side in size)
    return width, height

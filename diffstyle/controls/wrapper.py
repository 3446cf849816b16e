"""What every control leaves as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from diffstyle.core.mask import Mask
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.engines.base import Engine, S


class Wrapper:
    """The part of an engine that a control around it does not change."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def needs(self) -> Literal["references", "embedding"]:
        return self.engine.needs

    @property
    def space(self) -> str:
        return self.engine.space

    @property
    def weights(self) -> Mapping[str, str]:
        return self.engine.weights

    @property
    def runtime(self) -> Mapping[str, str]:
        return self.engine.runtime

    @property
    def regional(self) -> bool:
        return self.engine.regional

    def settled(self, task: S) -> S:
        return self.engine.settled(task)

    def measure(self, style: Style) -> Style:
        return self.engine.measure(style)


def with_content(task: Task, content: Picture, change: Callable[[Mask], Mask]) -> Task:
    """`task` for another view of its content, of which its masks get the same one by `change`."""
    mask = None if task.mask is None else change(task.mask)
    regions = tuple(replace(r, mask=change(r.mask)) for r in task.regions)
    return replace(task, content=content, mask=mask, regions=regions)

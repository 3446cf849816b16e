"""What every control leaves as it is."""

from __future__ import annotations

from collections.abc import Mapping

from diffstyle.core.picture import Picture
from diffstyle.core.settings import Capabilities
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, Task
from diffstyle.engines.base import Engine, Forgetful, OnStep


class Wrapper:
    """An engine that behaves like the one inside it; a control overrides what it changes.

    A wrapper that gives the engine another content gives it the same object for equal input, because engines cache what
    they encoded by the identity of the pixels.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def capabilities(self) -> Capabilities:
        return self.engine.capabilities

    @property
    def weights(self) -> Mapping[str, str]:
        return self.engine.weights

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        return self.engine.weights_of(task)

    @property
    def runtime(self) -> Mapping[str, str]:
        return self.engine.runtime

    def measure(self, style: Style) -> Style:
        return self.engine.measure(style)

    def prepare(self, task: Task) -> ResolvedTask:
        return self.engine.prepare(task)

    def largest_side(self, task: ResolvedTask) -> int | None:
        return self.engine.largest_side(task)

    def forget(self) -> None:
        """Drop what is kept of contents, inside too."""
        if isinstance(self.engine, Forgetful):
            self.engine.forget()

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        return self.engine.render(task, on_step)

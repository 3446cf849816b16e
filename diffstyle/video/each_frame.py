"""Frames painted one by one, each for itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, Task
from diffstyle.engines.base import OnStep
from diffstyle.stylizer import Stylizer
from diffstyle.video.frames import Frame


class FrameTasks:
    """The task of each frame, with the style measured once for as long as it stays the same.

    `at` gives the task of a frame as it was asked for.
    """

    def __init__(self, stylizer: Stylizer, at: Callable[[Frame], Task]) -> None:
        self.stylizer, self._at = stylizer, at
        self._styles: list[Style] | None = None
        self._resolved: ResolvedTask | None = None

    def resolved(self, frame: Frame) -> ResolvedTask:
        """What an engine renders for a frame."""
        asked = self._at(frame)
        if self._resolved is None or asked.styles != self._styles:
            self._resolved, self._styles = self.stylizer.prepare(asked), asked.styles
        self._resolved = replace(self._resolved, content=frame.picture)  # an earlier frame need not be kept
        return self._resolved

    def paint(self, frame: Frame, on_step: OnStep | None = None) -> Picture:
        """A frame painted for itself. Raises Cancelled when `on_step` returns False."""
        return self.stylizer.render(self.resolved(frame), on_step).picture


@dataclass(slots=True)
class EachFrame:
    """Paints every frame for itself; one that is shown again is not painted again."""

    tasks: FrameTasks
    on_step: OnStep | None = None
    _last: tuple[Picture, Picture] | None = None

    def push(self, frame: Frame) -> list[Frame]:
        """The frame, painted."""
        if self._last is None or self._last[0] is not frame.picture:
            self._last = None  # for its memory, while the next frame is painted
            self._last = frame.picture, self.tasks.paint(frame, self.on_step)
        return [replace(frame, picture=self._last[1])]

    def flush(self) -> list[Frame]:
        """Nothing: no frame is held back."""
        return []

    def state(self) -> Mapping[str, Tensor]:
        """Nothing: no frame depends on another."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Nothing is to be done."""
        del state

    def close(self) -> None:
        """Nothing is to be done."""

"""Pictures painted with more around them, which is cut off again: networks that pad with zeros spoil their edges."""

from __future__ import annotations

from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor

from diffstyle.controls.wrapper import Wrapper
from diffstyle.engines.base import Engine, OnStep, Step
from diffstyle.picture import Picture
from diffstyle.task import Task


class Margin(Wrapper):
    """Has the content painted with `pixels` more on every side, its own mirrored, or as many as it has."""

    def __init__(self, engine: Engine, *, pixels: int) -> None:
        super().__init__(engine)
        self.pixels = pixels

    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
        content = task.content
        if task.strength == 0:
            return self.engine.render(task, on_step)
        wide = min(self.pixels, content.width - 1, content.height - 1)

        def mirrored(plane: Tensor) -> Tensor:
            return F.pad(plane[None], (wide,) * 4, mode="reflect")[0]

        alpha = None if content.alpha is None else mirrored(content.alpha)
        framed = replace(content, pixels=mirrored(content.pixels), alpha=alpha)

        def inside(painted: Picture) -> Picture:
            pixels = painted.pixels[:, wide : wide + content.height, wide : wide + content.width].contiguous()
            return replace(painted, pixels=pixels, alpha=content.alpha)

        def told(step: Step) -> bool | None:
            shown = step.preview
            assert on_step is not None
            return on_step(step if shown is None else replace(step, preview=lambda: inside(shown())))

        return inside(self.engine.render(replace(task, content=framed), None if on_step is None else told))

"""`stroke`: strokes in fractions of the picture, so that they look alike at every size."""

from __future__ import annotations

import torch

from diffstyle.controls.enlarge import at_size, brought_back, lost
from diffstyle.controls.resize import fitted
from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.picture import MIN_SIDE, Picture
from diffstyle.core.task import MAX_SIDE, Task
from diffstyle.engines.base import OnStep

MEASURED = 512  # longest side at which a stroke of 1 is what the engine paints


class Stroke(Wrapper):
    """Has the content painted with a longest side of 512 / `task.stroke`, and brought to its own size.

    What enlarging leaves out is the photo's own fine detail in lightness: the preview's, which `Enlarge` takes, would
    lay small strokes over large ones.
    """

    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
        content = task.content
        if task.stroke is None or task.strength == 0:
            return self.engine.render(task, on_step)
        longest = min(MAX_SIDE, max(MIN_SIDE, round(MEASURED / task.stroke)))
        if longest == max(content.size):
            return self.engine.render(task, on_step)
        painted = at_size(self.engine, task, fitted(content.size, longest), on_step)
        smaller = longest < max(content.size)
        fine = lost(content, painted.size).mean(0, keepdim=True) if smaller else torch.zeros(1)
        return brought_back(painted, content, fine, f"Strokes painted at {painted.width}x{painted.height}.")

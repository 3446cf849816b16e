"""`stroke`: the size of strokes as a share of the picture, so that they look alike at every size."""

from __future__ import annotations

import torch

from diffstyle.controls.enlarge import enlarged, lost_detail, render_at
from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.picture import MIN_SIDE, Picture, fitted
from diffstyle.core.settings import MAX_SIDE
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.base import OnStep

MEASURED = 512  # longest side at which a stroke of 1 is what the engine paints


class Stroke(Wrapper):
    """Paints the content with a longest side of 512 / `task.stroke`, and resizes the painting to the content's size.

    The detail that enlarging loses is the photo's, in lightness alone: that of the preview, which `Enlarge` adds, would
    put small strokes over large ones. An engine that honours strokes itself is left to do so.
    """

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        content = task.content
        if task.stroke is None or task.strength == 0 or self.capabilities.strokes:
            return self.engine.render(task, on_step)
        longest = min(MAX_SIDE, max(MIN_SIDE, round(MEASURED / task.stroke)))
        if longest == max(content.size):
            return self.engine.render(task, on_step)
        painted = render_at(self.engine, task, fitted(content.size, longest), on_step)
        smaller = longest < max(content.size)
        fine = lost_detail(content, painted.size).mean(0, keepdim=True) if smaller else torch.zeros(1)
        return enlarged(painted, content, fine, f"Strokes painted at {painted.width}x{painted.height}.")

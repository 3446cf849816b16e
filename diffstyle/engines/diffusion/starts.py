"""What img2img begins from: the photo, or a draft of it in the same style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.base import Drafter, Engine
from diffstyle.engines.diffusion.settings import Start, diffusion_settings


@dataclass(slots=True)
class Starts:
    """The engines that draft; None for one that was not loaded."""

    preview: Engine | None = None
    painter: Drafter | None = None

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        """Those of the painter, if it drafts for a task."""
        if diffusion_settings(task).start != "painter" or self.painter is None:
            return {}
        return self.painter.weights_of(task)

    def drafts(self, start: Start) -> Engine | Drafter | None:
        """What paints the picture that is begun from; None for the photo itself, or where it was not loaded."""
        return {"content": None, "preview": self.preview, "painter": self.painter}[start]

    def measured(self, style: Style, start: Start) -> Style:
        """`style` with what its draft needs."""
        drafts = self.drafts(start)
        return style if drafts is None else drafts.measure(style)

    def picture(self, task: ResolvedTask) -> Picture:
        """The photo, or the draft of it without its mask, that is noised.

        Drafts choose their own dtype: a training that paints within autocast means the model.
        """
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            return self._picture(task)

    def _picture(self, task: ResolvedTask) -> Picture:
        start = diffusion_settings(task).start
        if start == "content":
            return task.content
        if start == "painter" and self.painter is not None:
            return self.painter.draft(task)
        if start == "preview" and self.preview is not None:
            return self.preview.render(replace(task, size=None, mask=None))
        raise InputError(f"start={start} needs an engine that was not loaded: give start=content.")

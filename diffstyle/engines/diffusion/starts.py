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
    """The engines that draft; None for one that was not loaded. `painted` is whether the painter drafted last."""

    preview: Engine | None = None
    painter: Drafter | None = None
    painted: bool = False

    @property
    def weights(self) -> Mapping[str, str]:
        """Those of the preview, and of the painter if it drafted last: a result names what has made it."""
        acting = (self.preview, self.painter if self.painted else None)
        return {k: v for drafts in acting if drafts is not None for k, v in drafts.weights.items()}

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
        self.painted = start == "painter"
        if start == "content":
            return task.content
        if start == "painter" and self.painter is not None:
            return self.painter.draft(task)
        if start == "preview" and self.preview is not None:
            return self.preview.render(replace(task, size=None, mask=None))
        raise InputError(f"start={start} needs an engine that was not loaded: give start=content.")

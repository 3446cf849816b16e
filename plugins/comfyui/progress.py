"""Progress and interruption, in ComfyUI's own way."""

from __future__ import annotations

import time

from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.utils import ProgressBar

from diffstyle.engines.base import OnStep, Step

_PREVIEW = 512  # pixels of the longest side of the picture that ComfyUI shows under the node
_SECONDS = 0.5  # between two such pictures, so that showing them takes little of the time


class Progress:
    """One progress bar over a batch of `count` images."""

    def __init__(self, count: int) -> None:
        self._count, self._bar, self._shown = count, ProgressBar(count), time.monotonic()

    def of(self, index: int) -> OnStep:
        """What `Stylizer.render` calls after each step of the image at `index`.

        It raises ComfyUI's exception when the user interrupts; the model stays usable.
        """

        def on_step(step: Step) -> None:
            throw_exception_if_processing_interrupted()
            preview = None
            if step.preview is not None and time.monotonic() - self._shown >= _SECONDS:
                preview, self._shown = ("JPEG", step.preview().to_pil(), _PREVIEW), time.monotonic()
            self._bar.update_absolute(index * step.total + step.done, self._count * step.total, preview)

        return on_step

"""`contrast` and `sharpness`: the photo made ready before it is painted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from scipy import ndimage as untyped
from torch import Tensor
from torch.nn import functional as F

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.picture import Picture
from diffstyle.core.task import Task
from diffstyle.engines.base import Engine, OnStep

ndimage: Any = untyped
WIDE, FINEST = 1 / 16, 1 / 512  # deviations, in longest sides, of the blurs beside which there is contrast, and detail
NARROWEST = 0.7  # pixels, of the finer one
SHARPEST = 4  # pixels of deviation: a wider blur is made on a coarser grid


class Prepare(Wrapper):
    """Has the content painted with its local contrast and its fine detail enhanced, in the measure of `strength`, so
    that a small strength changes little. The alpha channel stays.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._last: tuple[Picture, tuple[float, float], Picture] | None = None  # engines know the same object again

    def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
        contrast, sharpness = 1 + (task.contrast - 1) * task.strength, task.sharpness * task.strength
        if (contrast, sharpness) == (1, 0):
            return self.engine.render(task, on_step)
        if self._last is None or self._last[0] is not task.content or self._last[1] != (contrast, sharpness):
            self._last = task.content, (contrast, sharpness), prepared(task.content, contrast, sharpness)
        return self.engine.render(replace(task, content=self._last[2]), on_step)


def prepared(content: Picture, contrast: float, sharpness: float) -> Picture:
    """`content` with what is finer than a sixteenth of it times `contrast`, and the finest detail 1 + `sharpness` times
    over. Contrast of the whole would be nothing to networks that normalise what they see.
    """
    pixels, longest = content.pixels, max(content.size)
    if contrast != 1:
        pixels = torch.lerp(blurred(content.opaque(), WIDE * longest), pixels, contrast).clamp_(0, 1)
    if sharpness != 0:
        pixels = torch.lerp(blurred(pixels, max(NARROWEST, FINEST * longest)), pixels, 1 + sharpness).clamp_(0, 1)
    return replace(content, pixels=pixels)


def blurred(pixels: Tensor, sigma: float) -> Tensor:
    """(3, H, W) under a Gaussian of deviation `sigma` in pixels; a wide one on a grid of fewer, interpolated."""
    height, width = pixels.shape[1:]
    coarse = max(1, int(sigma / SHARPEST))
    small = pixels[None]
    if coarse > 1:
        small = F.interpolate(small, size=(-(-height // coarse), -(-width // coarse)), mode="area")
    soft = torch.stack(
        [torch.from_numpy(ndimage.gaussian_filter(p.numpy(), sigma / coarse, mode="nearest")) for p in small[0]]
    )
    return soft if coarse == 1 else F.interpolate(soft[None], size=(height, width), mode="bilinear")[0]

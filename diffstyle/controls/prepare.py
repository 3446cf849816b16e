"""`contrast` and `sharpness`: the photo is enhanced before it is painted."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.cancelling import check_cancelled
from diffstyle.core.picture import CLEAR, Picture
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.base import Engine, OnStep

WIDE, FINEST = 1 / 16, 1 / 512  # standard deviations, in longest sides, of the blurs that separate contrast and detail
NARROWEST = 0.7  # pixels, the least of the finer one
SHARPEST = 4  # pixels; wider blurs run on a coarser grid


class Prepare(Wrapper):
    """Enhances local contrast and fine detail of the content before it is painted, scaled by `strength` so that a small
    strength changes little. The colours of fully transparent pixels are replaced by those of their visible neighbours:
    engines measure the whole content, and the colours in the file are never seen. The alpha channel stays.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._last: tuple[Picture, tuple[float, float], Picture] | None = (
            None  # the same object again: engines cache by identity
        )

    def forget(self) -> None:
        self._last = None
        super().forget()

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        content = task.content
        contrast, sharpness = 1 + (task.contrast - 1) * task.strength, task.sharpness * task.strength
        hidden = content.alpha is not None and bool((content.alpha <= CLEAR).any())
        if task.strength == 0 or (not hidden and (contrast, sharpness) == (1, 0)):
            return self.engine.render(task, on_step)
        last = self._last  # read once: another thread may replace it
        if last is None or last[0] is not content or last[1] != (contrast, sharpness):
            self._last = last = content, (contrast, sharpness), prepared(content, contrast, sharpness)
        return self.engine.render(replace(task, content=last[2]), on_step)


def prepared(content: Picture, contrast: float, sharpness: float) -> Picture:
    """`content` with everything finer than a sixteenth of it scaled by `contrast`, and its finest detail by
    1 + `sharpness`; fully transparent pixels continue the colours of the visible ones. Global contrast would have no
    effect on networks that normalise their input.
    """
    pixels, opaque, longest = content.pixels, content.opaque(), max(content.size)
    if content.alpha is not None:
        pixels = torch.where(content.alpha > CLEAR, pixels, opaque)
    if contrast != 1:
        pixels = torch.lerp(blurred(opaque, WIDE * longest), pixels, contrast).clamp_(0, 1)
    if sharpness != 0:
        pixels = torch.lerp(blurred(pixels, max(NARROWEST, FINEST * longest)), pixels, 1 + sharpness).clamp_(0, 1)
    return replace(content, pixels=pixels)


def blurred(pixels: Tensor, sigma: float) -> Tensor:
    """(3, H, W) blurred by a Gaussian of `sigma` pixels; a wide one is computed on a coarser grid and interpolated."""
    from scipy import ndimage

    height, width = pixels.shape[1:]
    coarse = max(1, int(sigma / SHARPEST))
    small = pixels[None]
    if coarse > 1:
        small = F.interpolate(small, size=(-(-height // coarse), -(-width // coarse)), mode="area")

    def soften(plane: Tensor) -> Tensor:
        check_cancelled()
        return torch.from_numpy(ndimage.gaussian_filter(plane.numpy(), sigma / coarse, mode="nearest"))

    soft = torch.stack([soften(plane) for plane in small[0]])
    return soft if coarse == 1 else F.interpolate(soft[None], size=(height, width), mode="bilinear")[0]

"""`smooth`: removes grain from the painting and keeps edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from skimage import restoration as untyped

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.picture import Picture
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.base import OnStep
from diffstyle.ops.strips import strips

restoration: Any = untyped
HEAVIEST = 0.15  # Chambolle's weight at 1
ITERATIONS = 24  # each looks one pixel further, so strips with such a margin equal the whole
STRIP_PIXELS = 2**20


class Smooth(Wrapper):
    """Total-variation denoising (Chambolle 2004) of the painting, scaled by `strength`."""

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        painted = self.engine.render(task, on_step)
        weight = HEAVIEST * task.smooth * task.strength
        return painted if weight == 0 else replace(painted, pixels=smoothed(painted, weight))


def smoothed(picture: Picture, weight: float) -> torch.Tensor:
    """(3, H, W); a larger `weight` takes more."""
    out = torch.empty_like(picture.pixels)
    for plane, target in zip(picture.pixels.numpy(), out.numpy(), strict=True):
        for strip in strips(picture.height, picture.width, pixels=STRIP_PIXELS, margin=ITERATIONS):
            part = restoration.denoise_tv_chambolle(plane[strip.rows()], weight, eps=0, max_num_iter=ITERATIONS)
            target[strip.target()] = np.clip(part[strip.kept()], 0, 1)
    return out

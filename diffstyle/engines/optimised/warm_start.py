"""Frames of a clip: each begins with the painting of the frame before, warped along the flow, and is held to it.

Ruder et al. 2016, "Artistic style transfer for videos", section 4. What of it is trusted, and so neither hidden before
nor at the boundary of a motion, is decided where the flow is known, by the code that paints clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.core.task import Previous
from diffstyle.ops.losses import temporal_loss
from diffstyle.ops.pyramid import resized

FEWEST = 0.4  # of the iterations that remain where all of a frame was painted before


@dataclass(frozen=True, slots=True, eq=False)
class WarmStart:
    """The frame before (1, 3, h, w), as this one sees it, and the `trust` in that, (1, 1, h, w) from 0 to 1."""

    painted: Tensor
    trust: Tensor

    @classmethod
    def of(cls, previous: Previous, size: tuple[int, int], device: torch.device) -> WarmStart:
        """For a picture of `size` (h, w)."""
        painted, trust = (t[None].to(device) for t in (previous.painted.pixels, previous.trust.values))
        return cls(resized(painted, size), F.interpolate(trust, size, mode="bilinear", antialias=True))

    def over(self, begun: Tensor) -> Tensor:
        """What is begun from, and the frame before where that is trusted."""
        return torch.lerp(begun, self.painted, self.trust.expand_as(begun))

    def iterations(self, iterations: int) -> int:
        """How many of them are taken: all where nothing is trusted."""
        return max(1, round(iterations * (1 - (1 - FEWEST) * float(self.trust.mean()))))

    def loss(self, picture: Tensor) -> Tensor:
        """How far a picture of this size is from it."""
        return temporal_loss(picture, self.painted, self.trust).sum()

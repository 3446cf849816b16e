"""Latents of the content that a mask protects while the rest is painted (Avrahami et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class MaskedLatents:
    """`latents` (1, c, h, w) of the content, their `noise`, and `painted` (1, 1, h, w), false where they stay.

    Everything with a mask above 0 is painted; soft edges are applied to the pixels afterwards.
    """

    latents: Tensor
    noise: Tensor
    painted: Tensor

    @classmethod
    def of(cls, latents: Tensor, mask: Tensor, *, seed: int) -> MaskedLatents:
        """From a mask (1, H, W) of the picture's size; the noise is drawn on the CPU."""
        noise = torch.randn(latents.shape, generator=torch.Generator("cpu").manual_seed(seed))
        painted = F.adaptive_max_pool2d(mask[None], (latents.shape[-2], latents.shape[-1])) > 0
        return cls(latents, noise.to(latents), painted.to(latents.device))

    def blend(self, latents: Tensor, scheduler: Any, *, left: int) -> Tensor:
        """`latents` after a step with `left` more to come, with the content's latents outside the mask."""
        kept = self.latents
        if left:
            kept = scheduler.add_noise(kept, self.noise, scheduler.timesteps[-left:][:1])
        return torch.where(self.painted, latents, kept)

"""What a mask keeps of the content while the rest is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class KeptLatents:
    """`latents` (1, c, h, w) of the content, `noise` for them, and `painted` (1, 1, h, w), false where they stay.

    Something is painted where the mask is more than 0: its soft edges are those of the pixels, mixed afterwards.
    """

    latents: Tensor
    noise: Tensor
    painted: Tensor

    @classmethod
    def of(cls, latents: Tensor, mask: Tensor, *, seed: int) -> KeptLatents:
        """From a mask (1, H, W) of the picture's size; noise is drawn on the CPU."""
        noise = torch.randn(latents.shape, generator=torch.Generator("cpu").manual_seed(seed))
        painted = F.adaptive_max_pool2d(mask[None], (latents.shape[-2], latents.shape[-1])) > 0
        return cls(latents, noise.to(latents), painted.to(latents.device))

    def blend(self, latents: Tensor, scheduler: Any, *, left: int) -> Tensor:
        """`latents`, as they are after a step with `left` more to come, with the content's where nothing is painted."""
        kept = self.latents
        if left:
            kept = scheduler.add_noise(kept, self.noise, scheduler.timesteps[-left:][:1])
        return torch.where(self.painted, latents, kept)

"""DDIM inversion (Song et al. 2021): the noise from which a model would paint a given picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from diffstyle.ops.latents import predicted_noise

Predict = Callable[[Tensor, Tensor], Tensor]
"""(b, c, h, w) noisy latents and levels (b,) -> what the UNet predicts of them."""


def inverted(predict: Predict, latents: Tensor, levels: Sequence[int], *, alphas: Tensor, kind: str) -> Tensor:
    """(levels, b, c, h, w): `latents` (b, c, h, w) with the model's own noise at each of `levels`, highest first.

    `alphas` are the scheduler's cumulative ones, `kind` its prediction type. Each step takes the prediction at the
    level that it leads to, as diffusers' DDIMInverseScheduler does.
    """
    found: list[Tensor] = []
    kept = torch.ones(1, 1, 1, 1, device=latents.device)  # the share of the picture in `latents`: all of it at first
    for level in sorted(levels):
        t = torch.full((len(latents),), level, device=latents.device)
        noise = predicted_noise(alphas, kind, latents, predict(latents, t).float(), t)
        clean = (latents - (1 - kept).sqrt() * noise) / kept.sqrt()
        kept = alphas.to(latents.device, torch.float32)[level].view(1, 1, 1, 1)
        latents = kept.sqrt() * clean + (1 - kept).sqrt() * noise
        found.append(latents)
    return torch.stack(found[::-1])

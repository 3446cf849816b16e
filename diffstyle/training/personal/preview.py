"""The preview's part of a personal adapter: its statistics of the hand, tuned through the frozen network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from diffstyle.clip_model import OpenClip
from diffstyle.encoder_source import STARTER, find
from diffstyle.training import losses
from diffstyle.training.personal.material import Material
from diffstyle.training.personal.objective import Preview, StrokeLoss
from diffstyle.training.schedule import cosine_rate

RATE = 0.02
COLOURS = 9  # of the numbers, first, are measured: mean and covariance of colours need no tuning


def tuned(preview: Preview, measured: Tensor, material: Material, *, steps: int, size: int, seed: int) -> Tensor:
    """`measured` statistics (s,) after `steps` steps towards the hand's strokes, the colours as they were.

    The same number of steps, size and seed give the same statistics, whatever was done before.
    """
    loss = StrokeLoss(OpenClip.load(find(STARTER), measured.device, torch.float32))
    code = measured[COLOURS:].clone().requires_grad_(True)
    optimiser = torch.optim.Adam([code], lr=RATE)
    average = measured[COLOURS:].clone()
    for step in range(steps):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        batch = material.strokes(size=size, count=2, rng=np.random.default_rng((seed, 1, step)))
        with torch.no_grad():
            was = losses.edge_correlation(preview(batch.photos, measured), batch.photos)
        out = preview(batch.photos, torch.cat((measured[:COLOURS], code)))
        optimiser.zero_grad()
        torch.stack(list(loss(out, batch, was, generator).values())).sum().backward()
        optimiser.param_groups[0]["lr"] = cosine_rate(step, step / steps, first=RATE, last=RATE / 20, warmup=5)
        optimiser.step()
        average.lerp_(code.detach(), 1 - min(0.9, (1 + step) / (10 + step)))
    return torch.cat((measured[:COLOURS], average))

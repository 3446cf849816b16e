"""The preview's part of a personal adapter: its statistics of the hand, tuned through the frozen network."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import Tensor

from diffstyle.encoders.clip_model import OpenClip
from diffstyle.encoders.source import STARTER, find
from diffstyle.ops import losses
from diffstyle.training.personal.material import Material
from diffstyle.training.personal.objective import Preview, StrokeLoss
from diffstyle.training.schedule import cosine_rate

RATE = 0.02
COLOURS = 9  # of the numbers, first, are measured: mean and covariance of colours need no tuning
LOOKS = 5  # at the held-out pictures
HELD_BATCHES = 4


def tuned(
    preview: Preview,
    measured: Tensor,
    material: Material,
    held: Material,
    *,
    steps: int,
    size: int,
    seed: int,
    seconds: float | None = None,
) -> Tensor:
    """`measured` statistics (s,) after `steps` steps towards the hand's strokes, the colours as they were; sooner, if
    `seconds` are over.

    Of those on the way, `measured` included, the ones that do best on `held` are returned, where that has pictures. The
    same number of steps, size and seed give the same statistics, whatever was done before.
    """
    judge = StrokeLoss(OpenClip.load(find(STARTER), measured.device, torch.float32))

    def loss(code: Tensor, of: Material, draw: int, step: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        batch = of.strokes(size=size, count=2, rng=np.random.default_rng((seed, draw, step)))
        with torch.no_grad():
            was = losses.edge_correlation(preview(batch.photos, measured), batch.photos)
        out = preview(batch.photos, torch.cat((measured[:COLOURS], code)))
        return torch.stack(list(judge(out, batch, was, generator).values())).sum()

    @torch.no_grad()
    def held_loss(code: Tensor) -> float:
        return sum(float(loss(code, held, 5, n)) for n in range(HELD_BATCHES)) if held.pieces else 0.0

    code = measured[COLOURS:].clone().requires_grad_(True)
    optimiser = torch.optim.Adam([code], lr=RATE)
    average = best = measured[COLOURS:].clone()
    least = held_loss(average)
    begun, done = time.monotonic(), 0.0
    for step in range(steps):
        optimiser.zero_grad()
        loss(code, material, 1, step).backward()
        optimiser.param_groups[0]["lr"] = cosine_rate(step, done, first=RATE, last=RATE / 20, warmup=5)
        optimiser.step()
        average = average.lerp(code.detach(), 1 - min(0.9, (1 + step) / (10 + step)))
        before, done = done, (step + 1) / steps
        if seconds is not None:
            done = max(done, (time.monotonic() - begun) / seconds)
        if int(before * LOOKS) < int(done * LOOKS):
            found = held_loss(average)
            if found <= least:
                best, least = average, found
        if done >= 1:
            break
    return torch.cat((measured[:COLOURS], best))

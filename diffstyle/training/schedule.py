"""What every training loop does alike: the rate of a step, the step itself, and the moving average."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


def cosine_rate(step: int, progress: float, *, first: float, last: float = 0.0, warmup: int = 1) -> float:
    """Linear warm-up over `warmup` steps, then a cosine from `first` to `last` as `progress` goes from 0 to 1."""
    cosine = (1 + math.cos(math.pi * min(progress, 1))) / 2
    return (last + (first - last) * cosine) * min(1, (step + 1) / warmup)


def descend(
    terms: Mapping[str, Tensor],
    parameters: Iterable[nn.Parameter],
    optimiser: torch.optim.Optimizer,
    *,
    rate: float | tuple[float, ...],
    largest_norm: float,
) -> float:
    """One step down the sum of `terms`, left out if the gradient is not finite; the gradient's norm before clipping.

    `rate` is that of all parameters, or one for each group of the optimiser.
    """
    optimiser.zero_grad(set_to_none=True)
    torch.stack(list(terms.values())).sum().backward()
    norm = nn.utils.clip_grad_norm_(parameters, largest_norm)
    for n, group in enumerate(optimiser.param_groups):
        group["lr"] = rate[n] if isinstance(rate, tuple) else rate
    if torch.isfinite(norm):
        optimiser.step()
    return float(norm)


@torch.no_grad()
def follow(average: Mapping[str, Tensor], state: Mapping[str, Tensor], step: int, ema: float) -> None:
    """Move `average` towards `state` in place, faster in the first steps; whole numbers are copied."""
    decay = min(ema, (1 + step) / (10 + step))
    moving = [name for name, value in state.items() if value.is_floating_point()]
    averages, values = [average[name] for name in moving], [state[name] for name in moving]
    torch._foreach_lerp_(averages, values, 1 - decay)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
    for name in state.keys() - set(moving):
        average[name].copy_(state[name])

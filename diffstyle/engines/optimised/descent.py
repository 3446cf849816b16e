"""What the optimisers share: how a loss is followed, and what is kept of it on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from diffstyle.engines.optimised.settings import Optimizer

Loss = Callable[[Tensor, int], Tensor]  # of a picture (1, 3, h, w) at an iteration, a number
Evaluate = Callable[[int], tuple[Tensor, Tensor]]  # the picture at an iteration and its loss, with the gradients set
OnIteration = Callable[[int, Tensor], None]  # with how many are done and the picture so far; may raise to cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """How the loss is followed: evaluations at each size, `rate` falling to `decay` of it, `bands` of the pyramid."""

    optimizer: Optimizer
    iterations: int
    rate: float
    decay: float
    bands: int


@dataclass(slots=True, eq=False)
class Moments:
    """Of Adam, first and second, a pair for each band; `steps` are those taken so far."""

    pairs: list[tuple[Tensor, Tensor]] = field(default_factory=list[tuple[Tensor, Tensor]])
    steps: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A descent after `done` iterations at one size, as tensors by name: enough to go on to the same last bit."""

    done: int
    tensors: Mapping[str, Tensor]

    def on(self, device: torch.device) -> dict[str, Tensor]:
        """Copies of the tensors: those of a file are not aligned, on which the last bits of dot products depend."""
        return {name: tensor.to(device, copy=True) for name, tensor in self.tensors.items()}


Keep = Callable[[Callable[[], Snapshot]], None]
"""Called before an iteration, of L-BFGS before a line search, with what makes the snapshot."""

"""A sitting of training: steps until the minutes are spent, checkpoints on the way, going on from the last."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from diffstyle.training import checkpoint
from diffstyle.training.data import prefetch
from diffstyle.training.log import Log

SAVE_EVERY = 120.0  # seconds
LOG_EVERY = 20  # steps

B = TypeVar("B", contravariant=True)


class Trains(Protocol[B]):
    """The state of a run. `step` counts optimiser steps, `seconds` is the time spent in all sittings so far."""

    step: int
    seconds: float

    def advance(self, batch: B, progress: float) -> Mapping[str, float]:
        """One step; `progress` is the share of the schedule that is over. The losses by name."""
        ...

    def state(self) -> dict[str, Any]: ...

    def restore(self, state: dict[str, Any]) -> None: ...


class Run:
    """The state of a run: networks, their moving average, optimiser, steps and seconds spent."""

    def __init__(self, nets: nn.Module, optimiser: torch.optim.Optimizer, device: torch.device) -> None:
        self.nets, self.optimiser, self.device = nets, optimiser, device
        self.average: dict[str, Tensor] = {k: v.detach().clone() for k, v in nets.state_dict().items()}
        self.step: int = 0
        self.seconds: float = 0.0

    def state(self) -> dict[str, Any]:
        return {
            "nets": self.nets.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.nets.load_state_dict(state["nets"])
        self.average = {k: v.to(self.device) for k, v in state["average"].items()}
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]


@dataclass(frozen=True, slots=True)
class Sitting:
    """Where a run is kept, how many minutes it takes in all, on which device, and how many processes make its batches:
    a thread if none, for a CPU that trains has no core to spare.
    """

    out: Path
    minutes: float
    device: str
    workers: int = 0

    @classmethod
    def on(cls, device: str, *, out: Path, minutes: float) -> Sitting:
        """With all cores but two at work beside a GPU, where processes can be forked."""
        forks = device != "cpu" and "fork" in multiprocessing.get_all_start_methods()
        return cls(out, minutes, device, max(1, (os.cpu_count() or 1) - 2) if forks else 0)


def sit(trainer: Trains[B], make: Callable[[int, float], B], sitting: Sitting, *, name: str) -> None:
    """Advance `trainer` by make(step, progress) until the minutes are spent, earlier sittings included.

    Goes on from `out/name.pt` if it is there; the log is `out/name.csv`.
    """
    out, minutes = sitting.out, sitting.minutes
    path = out / f"{name}.pt"
    if state := checkpoint.load(path):
        trainer.restore(state)
    log = Log(out / f"{name}.csv", every=LOG_EVERY)
    begun = saved = time.monotonic()
    before = trainer.seconds
    progress = multiprocessing.Value("d", min(1.0, before / (60 * minutes)))  # workers read it too
    if progress.value >= 1:
        return
    for step, batch in prefetch(lambda step: make(step, progress.value), trainer.step, workers=sitting.workers):
        terms = trainer.advance(batch, progress.value)
        now = time.monotonic()
        trainer.seconds = before + now - begun
        progress.value = min(1.0, trainer.seconds / (60 * minutes))
        log.add(step, trainer.seconds, dict(terms))
        over = progress.value >= 1
        if over or now - saved > SAVE_EVERY:
            checkpoint.save(path, trainer.state())
            saved = time.monotonic()
        if over:
            break

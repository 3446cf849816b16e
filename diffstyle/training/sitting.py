"""A sitting of training: steps until the minutes are spent, checkpoints on the way, going on from the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from diffstyle.training import checkpoint
from diffstyle.training.data import prefetch
from diffstyle.training.log import Log

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


def sit(
    trainer: Trains[B],
    make: Callable[[int, float], B],
    *,
    out: Path,
    name: str,
    minutes: float,
    save_every: float = 120.0,
    every: int = 20,
    on_save: Callable[[], None] | None = None,
) -> None:
    """Advance `trainer` by make(step, progress) until `minutes` are spent, earlier sittings included.

    Goes on from `out/name.pt` if it is there; the log is `out/name.csv`. `on_save` is called after each checkpoint.
    """
    path = out / f"{name}.pt"
    if state := checkpoint.load(path):
        trainer.restore(state)
    log = Log(out / f"{name}.csv", every=every)
    begun = saved = time.monotonic()
    before = trainer.seconds

    def progress() -> float:
        return min(1.0, trainer.seconds / (60 * minutes))

    if progress() >= 1:
        return
    for step, batch in prefetch(lambda step: make(step, progress()), trainer.step):
        terms = trainer.advance(batch, progress())
        now = time.monotonic()
        trainer.seconds = before + now - begun
        log.add(step, trainer.seconds, dict(terms))
        over = progress() >= 1
        if over or now - saved > save_every:
            checkpoint.save(path, trainer.state())
            if on_save is not None:
                on_save()
            saved = time.monotonic()
        if over:
            break

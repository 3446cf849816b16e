"""The training loop of every recipe.

`fit` reads top to bottom: resume, then for each step a batch, the optimizer, the moving average, the log and the
checkpoint, until the budget is spent. A recipe is a `Trainer`: it computes the losses of a batch and sets the learning
rate.
"""

from __future__ import annotations

import csv
import math
import multiprocessing
import os
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from diffstyle.core.errors import Cancelled
from diffstyle.training.data import prefetch

SAVE_EVERY = 120.0  # seconds
LOG_EVERY = 20  # steps
STATE_FORMAT = 2  # of checkpoints

B = TypeVar("B")
M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a training takes: `minutes`, earlier sessions included, or `steps`, whichever is reached first."""

    minutes: float | None = None
    steps: int | None = None

    def progress(self, step: int, seconds: float) -> float:
        """The share of the schedule that is over, in [0, 1]; 0 if there is no limit: such a training never ends."""
        of_time = seconds / (60 * self.minutes) if self.minutes is not None else 0.0
        of_steps = step / self.steps if self.steps is not None else 0.0
        return min(1.0, max(of_time, of_steps))


@dataclass(frozen=True, slots=True)
class Run:
    """Where a training keeps its files and what it runs on.

    out
        Folder of NAME.pt, the checkpoint, and NAME.csv, the log; None to keep neither.
    device
        Where torch computes: "cpu", "cuda", or another name of a device.
    save_every
        Seconds between checkpoints.
    log_every
        After how many steps losses are logged and printed, 0 for never.
    workers
        How many processes make batches: 0 for a thread of this one, None to make each batch when it is needed.
    compiled
        Whether `compile` compiles: faster steps, but it needs a C++ compiler and a minute to start.
    writes
        Whether this process writes checkpoints and logs; with several processes, only one does.
    """

    out: Path | None = None
    device: str = "cpu"
    workers: int | None = 0
    compiled: bool = False
    save_every: float = SAVE_EVERY
    log_every: int = LOG_EVERY
    writes: bool = True

    @classmethod
    def for_device(cls, device: str, out: Path) -> Run:
        """Settings for `device`: beside a GPU, processes on all cores but two make the batches, where the system can
        fork; else a thread does.
        """
        forks = device != "cpu" and "fork" in multiprocessing.get_all_start_methods()
        return cls(out, device, max(1, (os.cpu_count() or 1) - 2) if forks else 0)

    def compile(self, module: M) -> M:
        """`module`, compiled if the run is."""
        return cast("M", torch.compile(module, dynamic=False)) if self.compiled else module


class Trainer(ABC, Generic[B]):
    """Named tensors in training with their moving average and optimizer.

    `tensors` are parameters and buffers by name, on their device: `nets.state_dict(keep_vars=True)` of the networks.
    The average follows the trainable parameters with decay `ema` (smaller in the first steps) and copies all others.
    `step` counts optimizer steps, `seconds` is the time spent in all sessions so far. Gradients of `accumulate` batches
    are averaged in each step.
    """

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        optimizer: torch.optim.Optimizer,
        *,
        budget: Budget,
        ema: float,
        largest_norm: float = math.inf,
        accumulate: int = 1,
    ) -> None:
        self.tensors: dict[str, Any] = dict(tensors)
        self.optimizer, self.budget = optimizer, budget
        self.largest_norm, self.accumulate = largest_norm, accumulate
        self.ema = EMAModel(self.tensors.values(), decay=ema, foreach=True)
        self.step: int = 0
        self.seconds: float = 0.0

    @abstractmethod
    def losses(self, batch: B) -> dict[str, Tensor]:
        """Weighted terms by name, whose sum is minimised."""

    @abstractmethod
    def rate(self) -> float | tuple[float, ...]:
        """The learning rate of this step: one for all parameters, or one for each group of the optimizer."""

    def clipped(self) -> Iterable[Tensor]:
        """The parameters whose gradients are clipped together to `largest_norm`."""
        return (t for t in self.tensors.values() if isinstance(t, nn.Parameter))

    def begin(self) -> None:
        """Called once a session, after resuming and before the first step."""

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of `loss`."""
        loss.backward()

    def clip_gradients(self) -> Tensor | None:
        """Clip the gradients to `largest_norm`; return their norm before that, or None if this process does not know
        it.
        """
        return nn.utils.clip_grad_norm_(self.clipped(), self.largest_norm)

    @property
    def progress(self) -> float:
        """The share of the schedule that is over, in [0, 1]."""
        return self.budget.progress(self.step, self.seconds)

    @property
    def finished(self) -> bool:
        return self.progress >= 1

    def advance(self, batches: Sequence[B]) -> dict[str, float]:
        """One optimizer step on `accumulate` batches.

        If the norm is known and not finite, the weights stay as they are; the step still counts.
        Returns the losses by name, means over the batches, and `norm`, that of the gradient before clipping.
        """
        self.optimizer.zero_grad(set_to_none=True)
        found: dict[str, float] = defaultdict(float)
        for batch in batches:
            terms = self.losses(batch)
            self.backward(torch.stack(list(terms.values())).sum() / len(batches))
            for name, value in terms.items():
                found[name] += float(value.detach()) / len(batches)
        norm, rate = self.clip_gradients(), self.rate()
        for n, group in enumerate(self.optimizer.param_groups):
            group["lr"] = rate[n] if isinstance(rate, tuple) else rate
        if norm is None or bool(torch.isfinite(norm)):
            self.optimizer.step()
        self.ema_update()
        return dict(found) | ({} if norm is None else {"norm": float(norm)})

    def ema_update(self) -> None:
        """Move the average towards the parameters, and count the step."""
        self.ema.step(self.tensors.values())
        self.step += 1

    def averaged(self) -> dict[str, Tensor]:
        """The averaged tensors by name; not copies."""
        return dict(zip(self.tensors, cast("list[Tensor]", self.ema.shadow_params), strict=True))

    @contextmanager
    def average_in_place(self) -> Generator[None, None, None]:
        """The networks have the averaged tensors inside, and their own ones again afterwards."""
        self.ema.store(self.tensors.values())
        self.ema.copy_to(self.tensors.values())
        try:
            yield
        finally:
            self.ema.restore(self.tensors.values())

    @torch.no_grad()
    def load(self, values: Mapping[str, Tensor]) -> None:
        """Copy `values` into the tensors; raises KeyError if one is missing."""
        for name, tensor in self.tensors.items():
            tensor.copy_(values[name])

    def state(self) -> dict[str, Any]:
        """All that `restore` needs to go on as if nothing had happened: tensors and plain values."""
        return {
            "tensors": {k: t.detach() for k, t in self.tensors.items()},
            "average": self.averaged(),
            "ema_step": self.ema.optimization_step,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.load(state["tensors"])
        shadows = [state["average"][k].to(t.device) for k, t in self.tensors.items()]
        self.ema.load_state_dict({"optimization_step": state["ema_step"], "shadow_params": shadows})
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = state["step"], state["seconds"]


def fit(
    trainer: Trainer[B],
    make: Callable[[int, float], B],
    run: Run,
    *,
    name: str,
    on_step: Callable[[Mapping[str, float]], bool | None] | None = None,
    on_save: Callable[[], None] | None = None,
) -> None:
    """Advance `trainer` until its budget is spent.

    Batch number n is `make(n, progress)`; for resumed runs to repeat, it must depend on its arguments alone. Goes on
    from `run.out/name.pt` if it exists, and saves there every `run.save_every` seconds and at the end. `on_save` is
    called after each save, for example to draw a sample sheet. `on_step` is called with the losses after every step. If
    it returns False, the checkpoint is written and Cancelled raised; the training can go on later.
    """
    path = None if run.out is None else run.out / f"{name}.pt"
    if path is not None and (state := load_checkpoint(path)) is not None:
        trainer.restore(state)
    trainer.begin()
    log = Log(None if run.out is None else run.out / f"{name}.csv", every=run.log_every if run.writes else 0)
    progress = multiprocessing.Value("d", trainer.progress)  # shared with the processes that make batches
    number = trainer.step * trainer.accumulate
    batches = prefetch(lambda n: make(n, progress.value), number, workers=run.workers)
    started = saved = time.monotonic()
    before = trainer.seconds
    while not trainer.finished:
        terms = trainer.advance([next(batches) for _ in range(trainer.accumulate)])
        trainer.seconds = before + time.monotonic() - started
        cancelled = on_step is not None and on_step(terms) is False
        progress.value = trainer.progress
        log.add(trainer.step, trainer.seconds, terms)
        due = trainer.finished or cancelled or time.monotonic() - saved > run.save_every
        if path is not None and run.writes and due:
            save_checkpoint(path, trainer.state())
            if on_save is not None:
                on_save()
            saved = time.monotonic()
        if cancelled:
            raise Cancelled


@contextmanager
def flushed_denormals() -> Generator[None]:
    """Denormal numbers are computed as 0, which halves the time of a step once gradients are small."""
    before = float(torch.tensor(1e-40) * 1.0) == 0.0  # torch has no question for it
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def cosine_rate(step: int, progress: float, *, first: float, last: float = 0.0, warmup: int = 1) -> float:
    """Linear warm-up over `warmup` steps, then a cosine from `first` to `last` as `progress` goes from 0 to 1."""
    cosine = (1 + math.cos(math.pi * min(progress, 1))) / 2
    return (last + (first - last) * cosine) * min(1, (step + 1) / warmup)


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write `state` whole or not at all, so that a kill at any moment leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")  # one name, so that killed runs leave one such file at most
    torch.save(dict(state), partial)
    partial.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state last saved, or None. Tensors and plain values only: no pickled code is run."""
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


class Log:
    """Losses averaged over `every` steps, 0 for never: one printed line each and, with a path, one CSV row."""

    def __init__(self, path: Path | None, every: int = LOG_EVERY) -> None:
        self.path, self.every = path, every
        self.header: list[str] = []
        self.values: dict[str, list[float]] = defaultdict(list)

    def add(self, step: int, seconds: float, terms: Mapping[str, float]) -> None:
        """Terms that some steps lack are averaged over the steps that have them."""
        if not self.every:
            return
        for name, value in terms.items():
            self.values[name].append(value)
        if step % self.every == 0:
            means = {k: round(sum(v) / len(v), 5) for k, v in sorted(self.values.items())}
            self.values.clear()
            row = {"step": step, "seconds": round(seconds, 1)} | means
            print("  ".join(f"{k} {v}" for k, v in row.items()), flush=True)
            if self.path is not None:
                self._write(self.path, row)

    def _write(self, path: Path, row: Mapping[str, float]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row.keys())
            if self.header != list(row):  # a resumed run may have other terms
                self.header = list(row)
                writer.writeheader()
            writer.writerow(row)

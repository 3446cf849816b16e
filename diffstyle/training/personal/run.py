"""Training of a personal adapter: held-out losses, a number of steps that fits the time, samples, an early end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from accelerate import Accelerator, utils
from torch import Tensor

from diffstyle.training.loop import Budget, Run, Trainer, cosine_rate, fit
from diffstyle.training.personal.objective import Objective
from diffstyle.training.personal.recipe import AdapterRecipe
from diffstyle.training.personal.trainable import Trainable

EMA = 0.98
WARMUP = 10
TIMED = {8: 3, 40: 30}  # at which steps the total is estimated, from the time since which step; later ones are faster
EVALUATIONS = 8  # on the held-out pictures, over the whole run
HELD_BATCHES = 4
PATIENCE = 3  # evaluations without a better loss, after which training ends
SAVE_EVERY = 30.0  # seconds
LARGEST_NORM = 1.0


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """`done` of `total` steps (None until it is known), the `loss` of this step, that of the held-out pictures if they
    were just evaluated, the seconds `spent` and, if known, `left`, and the file of samples just painted.
    """

    done: int
    total: int | None
    loss: float
    held_loss: float | None
    spent: float
    left: float | None
    samples: Path | None = None


@dataclass(frozen=True, slots=True)
class Samples:
    """`paint` is called every so many steps with the averaged adapter in place; it returns the file it wrote."""

    every: int
    paint: Callable[[], Path]


OnTrainingStep = Callable[[TrainingStep], "bool | None"]
"""Called after every step; returning False stops the training, which can go on later."""

Batch: TypeAlias = tuple[Any, torch.Generator]
"""A batch of the objective, and the generator that it is given with it."""


@dataclass(slots=True)
class History:
    """Losses by step, held-out losses with their steps, the averaged values at the lowest, and whether training ended
    before its time because they did not improve.
    """

    losses: list[float] = field(default_factory=list[float])
    held: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    best: dict[str, Tensor] | None = None
    stopped_early: bool = False

    @property
    def waited(self) -> int:
        """How many evaluations have passed since the lowest held-out loss, that of the untrained adapter left out."""
        values = [v for step, v in self.held if step]
        return len(values) - 1 - int(np.argmin(values)) if values else 0


def leads() -> bool:
    """Whether this is the process that writes and reports, among those that `accelerate launch` has started."""
    return os.environ.get("RANK", "0") == "0"


def train_objective(
    objective: Objective[Any],
    held: Objective[Any] | None,
    trainable: Trainable,
    recipe: AdapterRecipe,
    *,
    accelerator: Accelerator,
    state: Path,
    seconds_left: float,
    samples: Samples | None = None,
    on_step: OnTrainingStep | None = None,
) -> AdapterTrainer:
    """Train `trainable`, going on from the checkpoint `state` if it exists; it has the best averaged values afterwards.

    `held` is the objective on held-out pictures. Raises Cancelled, with the checkpoint written, when `on_step` returns
    False.
    """
    trainer = AdapterTrainer(
        objective, held, trainable, recipe, accelerator=accelerator, seconds_left=seconds_left, samples=samples
    )
    run = Run(state.parent, workers=None, save_every=SAVE_EVERY, log_every=0, writes=accelerator.is_main_process)

    def after_step(terms: Mapping[str, float]) -> bool | None:
        step = trainer.after_step(terms)
        return None if on_step is None else on_step(step)

    fit(trainer, trainer.batch, run, name=state.stem, on_step=after_step)
    trainer.load(trainer.averaged() if trainer.history.best is None else trainer.history.best)
    return trainer


class AdapterTrainer(Trainer[Batch]):
    """Trains a `Trainable`, on several devices if `accelerator` has them: each takes batches of its own."""

    def __init__(
        self,
        objective: Objective[Any],
        held: Objective[Any] | None,
        trainable: Trainable,
        recipe: AdapterRecipe,
        *,
        accelerator: Accelerator,
        seconds_left: float,
        samples: Samples | None,
    ) -> None:
        self.objective, self.held, self.recipe = objective, held, recipe
        self.accelerator, self.seconds_left, self.samples = accelerator, seconds_left, samples
        self.history = History()
        self._first, self._times = 0, dict[int, float]()
        parameters = list(trainable.parameters.values())
        optimizer = torch.optim.AdamW(parameters, lr=recipe.rate, betas=(0.9, 0.99), weight_decay=1e-4)
        self.model, prepared = cast("tuple[Any, Any]", accelerator.prepare(objective, optimizer))
        super().__init__(
            trainable.parameters,
            prepared,
            budget=Budget(steps=recipe.steps),
            ema=EMA,
            largest_norm=LARGEST_NORM,
            accumulate=recipe.accumulate,
        )

    @property
    def finished(self) -> bool:
        return self.progress >= 1 or self.history.stopped_early

    def batch(self, number: int, _: float) -> Batch:
        """Batch `number` of this process, decided by the seed and the number alone."""
        number = number * self.accelerator.num_processes + self.accelerator.process_index
        drawn = self.objective.batch(np.random.default_rng((self.recipe.seed, 2, number)))
        return drawn, torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + number)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        with self.accelerator.autocast():
            return self.model(*batch)

    def rate(self) -> float:
        rate = self.recipe.rate
        return cosine_rate(self.step, self.progress, first=rate, last=rate / 50, warmup=WARMUP)

    def backward(self, loss: Tensor) -> None:
        self.accelerator.backward(loss)

    def clip_gradients(self) -> Tensor | None:
        return cast("Tensor | None", self.accelerator.clip_grad_norm_(list(self.clipped()), self.largest_norm))

    def begin(self) -> None:
        self._first = self.step
        if not self.history.held:  # also of the untrained adapter: if training does worse, that one is kept
            self._evaluate()

    def after_step(self, terms: Mapping[str, float]) -> TrainingStep:
        """Estimate the number of steps, evaluate the held-out pictures and paint samples, each when it is due."""
        loss = sum(v for name, v in terms.items() if name != "norm")
        self.history.losses.append(loss)
        self._estimate_steps()
        held_loss = self._evaluate()
        painted = None
        if self.samples is not None and self.step % self.samples.every == 0 and leads():
            with self.average_in_place():
                painted = self.samples.paint()
        total = self.budget.steps
        left = None if total is None else self.seconds / self.step * (total - self.step)
        return TrainingStep(self.step, total, loss, held_loss, self.seconds, left, painted)

    def _estimate_steps(self) -> None:
        """Set the budget to the number of steps that fit into `seconds_left`, unless the recipe gives it."""
        here, now = self.step - self._first, time.monotonic()
        if here in TIMED.values():
            self._times[here] = now
        if self.recipe.steps is None and here in TIMED:
            each = (now - self._times[TIMED[here]]) / (here - TIMED[here])
            fitting = self.step + max(1, int((self.seconds_left - self.seconds) / each))
            (total,) = cast("Any", utils).broadcast_object_list([fitting])  # the first process decides for all
            self.budget = Budget(steps=total)

    def _evaluate(self) -> float | None:
        """The held-out loss of the averaged adapter, if due; always on the same crops and noise."""
        total = self.budget.steps
        every = max(5, (total or 10**9) // EVALUATIONS)
        if self.held is None or (self.step % every and self.step != total):
            return None
        with self.average_in_place(), self.accelerator.autocast(), torch.no_grad():
            loss = float(np.mean([_total(self.held, n) for n in range(HELD_BATCHES)]))
        history = self.history
        if not history.held or loss < min(v for _, v in history.held):
            history.best = {k: v.clone() for k, v in self.averaged().items()}
        history.held.append((self.step, loss))
        history.stopped_early = history.waited >= PATIENCE
        return loss

    def state(self) -> dict[str, Any]:
        values = {name: getattr(self.history, name) for name in History.__slots__}
        return super().state() | {"history": values, "total": self.budget.steps}

    def restore(self, state: Mapping[str, Any]) -> None:
        super().restore(state)
        self.history = History(**state["history"])
        self.budget = Budget(steps=state["total"])


def _total(held: Objective[Any], n: int) -> float:
    terms = held(held.batch(np.random.default_rng((3, n))), torch.Generator().manual_seed(n))
    return float(torch.stack(list(terms.values())).sum())

"""The loop: steps, held-out losses, checkpoints that survive a kill, and an end when the hand is learned by heart."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate import Accelerator, utils
from torch import Tensor, nn

from diffstyle.core.errors import Cancelled
from diffstyle.training import checkpoint
from diffstyle.training.personal.objective import Objective
from diffstyle.training.personal.recipe import AdapterRecipe
from diffstyle.training.personal.trainable import Trainable
from diffstyle.training.schedule import cosine_rate, follow

EMA = 0.98
WARMUP = 10
TIMED = {8: 3, 40: 30}  # at which steps their number is reckoned, from the time since which: later ones are quicker
LOOKS = 8  # at the held-out pictures, over the whole run
HELD_BATCHES = 4
PATIENCE = 3
SAVE_EVERY = 30.0  # seconds
LARGEST_NORM = 1.0


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """`done` of `total` steps (None until it is known), the `loss` of this one, that of the held-out pictures where it
    was just looked at, the seconds `spent` and, as far as is known, `left`, and the file of samples just painted.
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
    """Every so many steps, `paint` is called with the averaged adapter in place; it gives the file it wrote."""

    every: int
    paint: Callable[[], Path]


OnTrainingStep = Callable[[TrainingStep], "bool | None"]
"""Called after every step; returning False stops the training, which can go on later."""


@dataclass(slots=True)
class Progress:
    """All that a training is beside its parameters; a checkpoint holds it."""

    step: int = 0
    total: int | None = None
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list[float])
    held: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    best: dict[str, Tensor] | None = None
    stopped_early: bool = False

    @property
    def waited(self) -> int:
        """How many looks at the held-out pictures have passed since the best one after training began."""
        values = [v for step, v in self.held if step]
        return len(values) - 1 - int(np.argmin(values)) if values else 0


def leads() -> bool:
    """Whether this process is the one that writes and reports, of those that `accelerate launch` has started."""
    return os.environ.get("RANK", "0") == "0"


def run(
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
) -> Progress:
    """Train `trainable`, going on from `state` if it is there; its values are the best averaged ones afterwards.

    Raises Cancelled, with the state written, when `on_step` returns False.
    """
    parameters = list(trainable.parameters.values())
    optimiser = torch.optim.AdamW(parameters, lr=recipe.rate, betas=(0.9, 0.99), weight_decay=1e-4)
    average = trainable.values()
    progress = Progress(total=recipe.steps)
    if saved := checkpoint.load(state):
        trainable.restore(saved["parameters"])
        average = saved["average"]
        optimiser.load_state_dict(saved["optimiser"])
        progress = Progress(**saved["progress"])
    model, optimiser = cast("tuple[Any, Any]", accelerator.prepare(objective, optimiser))

    def save() -> None:
        if accelerator.is_main_process:
            values = {name: getattr(progress, name) for name in Progress.__slots__}
            moments = optimiser.state_dict()
            checkpoint.save(
                state,
                {"parameters": trainable.values(), "average": average, "optimiser": moments, "progress": values},
            )

    begun = saved_at = time.monotonic()
    before = progress.seconds
    if not progress.held:  # an adapter that does worse than none is not kept
        with accelerator.autocast():
            _look(held, trainable, average, progress)
    first, since = progress.step, dict[int, float]()
    while progress.total is None or progress.step < progress.total:
        if progress.stopped_early:
            break
        loss = _advance(model, optimiser, parameters, recipe, progress, accelerator)
        follow(average, trainable.values(), progress.step, EMA)
        progress.step += 1
        progress.losses.append(loss)
        now = time.monotonic()
        progress.seconds = before + now - begun
        here = progress.step - first
        if here in TIMED.values():
            since[here] = now
        if recipe.steps is None and here in TIMED:
            each = (now - since[TIMED[here]]) / (here - TIMED[here])
            fitting = progress.step + max(1, int((seconds_left - progress.seconds) / each))
            (progress.total,) = cast("Any", utils).broadcast_object_list([fitting])  # of several processes, the first's
        with accelerator.autocast():
            held_loss = _look(held, trainable, average, progress)
        painted = _sample(samples, trainable, average, progress)
        stop = on_step is not None and on_step(_told(progress, loss, held_loss, painted)) is False
        if stop or now - saved_at > SAVE_EVERY:
            save()
            saved_at = now
        if stop:
            raise Cancelled
    save()
    trainable.restore(average if progress.best is None else progress.best)
    return progress


def _advance(
    model: nn.Module,
    optimiser: Any,
    parameters: list[nn.Parameter],
    recipe: AdapterRecipe,
    progress: Progress,
    accelerator: Accelerator,
) -> float:
    """One step down; the gradients of `accumulate` batches, drawn by seed and number alone, are added up."""
    share = progress.step / progress.total if progress.total else 0.0
    rate = cosine_rate(progress.step, share, first=recipe.rate, last=recipe.rate / 50, warmup=WARMUP)
    total = 0.0
    optimiser.zero_grad()
    for part in range(recipe.accumulate):
        number = (progress.step * recipe.accumulate + part) * accelerator.num_processes + accelerator.process_index
        maker = cast("Objective[Any]", accelerator.unwrap_model(model))
        batch = maker.batch(np.random.default_rng((recipe.seed, 2, number)))
        with accelerator.autocast():
            terms = model(batch, torch.Generator().manual_seed(recipe.seed * 1_000_003 + number))
        loss = torch.stack(list(terms.values())).sum() / recipe.accumulate
        accelerator.backward(loss)
        total += float(loss.detach())
    norm = cast("Tensor | None", accelerator.clip_grad_norm_(parameters, LARGEST_NORM))
    for group in optimiser.param_groups:
        group["lr"] = rate
    if norm is None or bool(torch.isfinite(norm)):
        optimiser.step()
    return total


def _look(
    held: Objective[Any] | None, trainable: Trainable, average: dict[str, Tensor], progress: Progress
) -> float | None:
    """The averaged parameters on the held-out pictures, now and then; always on the same crops and noise."""
    every = max(5, (progress.total or 10**9) // LOOKS)
    if held is None or (progress.step % every and progress.step != progress.total):
        return None
    now = trainable.values()
    trainable.restore(average)
    with torch.no_grad():
        found = [_held_loss(held, n) for n in range(HELD_BATCHES)]
    trainable.restore(now)
    loss = float(np.mean(found))
    if not progress.held or loss < min(v for _, v in progress.held):
        progress.best = {k: v.clone() for k, v in average.items()}
    progress.held.append((progress.step, loss))
    progress.stopped_early = progress.waited >= PATIENCE
    return loss


def _sample(
    samples: Samples | None, trainable: Trainable, average: dict[str, Tensor], progress: Progress
) -> Path | None:
    if samples is None or progress.step % samples.every or not leads():
        return None
    now = trainable.values()
    trainable.restore(average)
    painted = samples.paint()
    trainable.restore(now)
    return painted


def _held_loss(held: Objective[Any], n: int) -> float:
    terms = held(held.batch(np.random.default_rng((3, n))), torch.Generator().manual_seed(n))
    return float(torch.stack(list(terms.values())).sum())


def _told(progress: Progress, loss: float, held_loss: float | None, painted: Path | None) -> TrainingStep:
    left = None
    if progress.total is not None:
        left = progress.seconds / progress.step * (progress.total - progress.step)
    return TrainingStep(progress.step, progress.total, loss, held_loss, progress.seconds, left, painted)

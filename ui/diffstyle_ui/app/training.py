"""Training of personal adapters in a separate process, which frees its memory at the end and does not slow previews."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event as SharedEvent
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from diffstyle import AdapterRecipe, Cancelled, InputError, Picture
from diffstyle.assets.zoo import check_new
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import fitted
from diffstyle.serving.uploaded_files import open_picture
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.user_errors import UNEXPECTED, log_unexpected

if TYPE_CHECKING:
    from diffstyle.training.personal.run import TrainingStep  # its imports take seconds

NICENESS, POLL_SECONDS = 5, 0.2
MAX_PICTURES, LONGEST = 500, 1536  # pictures, and pixels of their longest sides
SAMPLES_EVERY, SLOW_SAMPLES_EVERY = 20, 200  # steps; the starter renders its samples in a second


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What to train: files of pictures, the adapter's name, the recipe, and the model."""

    pictures: tuple[Path, ...]
    name: str
    recipe: AdapterRecipe
    options: ModelOptions
    limits: Limits
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class TrainedAdapter:
    """A finished adapter: its folder, the text of its card, and warnings."""

    folder: Path
    card: str
    warnings: tuple[str, ...]


def recipe_for(minutes: float, steps: str | int | None) -> AdapterRecipe:
    """The recipe for a number of steps, or for a time if `steps` is empty. Raises InputError for bad numbers."""
    if not str(steps or "").strip():
        return AdapterRecipe(minutes=float(minutes))
    try:
        return AdapterRecipe(steps=int(str(steps)))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"steps is {steps!r}: give a whole number, or leave it empty.") from None


def run_training(job: TrainingJob, cancel: Event) -> Iterator[TrainingStep | TrainedAdapter]:
    """The steps as they are done, then the adapter. A training that was stopped resumes when it is run again.

    Raises Cancelled when `cancel` is set, and InputError.
    """
    if len(job.pictures) > MAX_PICTURES:
        raise InputError(f"There are {len(job.pictures)} pictures: give at most {MAX_PICTURES}.")
    check_new(job.name, overwrite=job.overwrite)  # before the process starts, which takes seconds
    processes = get_context("spawn")
    receiver, sender = processes.Pipe(duplex=False)
    stop = processes.Event()
    process = processes.Process(target=_train, args=(job, sender, stop), daemon=True)
    process.start()
    sender.close()
    try:
        while True:
            if cancel.is_set():
                stop.set()
            if not receiver.poll(POLL_SECONDS):
                continue
            message = receiver.recv()
            if isinstance(message, Exception):
                raise message
            yield message
            if isinstance(message, TrainedAdapter):
                return
    except EOFError:
        raise RuntimeError("the training process has ended") from None
    finally:
        stop.set()  # also when the generator is closed early; the training state is saved
        receiver.close()


def loss_series(steps: Sequence[TrainingStep]) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Pairs of step and loss, for training pictures and for held-out pictures."""
    held_out = [(s.done, s.held_loss) for s in steps if s.held_loss is not None]
    return [(s.done, s.loss) for s in steps], held_out


def _train(job: TrainingJob, sender: Connection, stop: SharedEvent) -> None:
    """The main function of the training process."""
    from diffstyle import train_adapter

    os.nice(NICENESS)

    def on_step(step: TrainingStep) -> bool:
        return _send(sender, step) and not stop.is_set()

    try:
        report = train_adapter(
            [_reduced(path, job.limits) for path in job.pictures],
            name=job.name,
            recipe=job.recipe,
            options=job.options,
            samples_every=SAMPLES_EVERY if job.options == ModelOptions() else SLOW_SAMPLES_EVERY,
            overwrite=job.overwrite,
            on_step=on_step,
        )
        _send(sender, TrainedAdapter(report.folder, report.card(), report.warnings))
    except (Cancelled, InputError) as error:
        _send(sender, error)
    except Exception:
        log_unexpected()
        _send(sender, RuntimeError(UNEXPECTED))


def _reduced(path: Path, limits: Limits) -> Picture:
    """A picture no larger than training needs, so that many of them fit into memory."""
    picture = open_picture(path, limits)
    return picture if max(picture.size) <= LONGEST else picture.resized(fitted(picture.size, LONGEST))


def _send(sender: Connection, message: object) -> bool:
    """Send `message`; False if the page has closed the connection."""
    try:
        sender.send(message)
    except OSError:
        return False
    return True

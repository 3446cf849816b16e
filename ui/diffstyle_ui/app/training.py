"""A training as a page watches it: in a process of its own, which gives its memory back and leaves previews alone."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event as SharedEvent
from pathlib import Path
from threading import Event

from diffstyle import AdapterRecipe, Cancelled, InputError, train_adapter
from diffstyle.assets.zoo import check_new
from diffstyle.core.model_options import ModelOptions
from diffstyle.training.personal.run import TrainingStep
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.status import UNEXPECTED
from diffstyle_ui.app.uploads import opened

NICE, LOOK_SECONDS = 5, 0.2
SAMPLES_EVERY, SLOW_SAMPLES_EVERY = 20, 200  # steps: the starter paints in a second


@dataclass(frozen=True, slots=True)
class Training:
    """What to train: files of pictures, the name, how, and for which model."""

    pictures: tuple[Path, ...]
    name: str
    recipe: AdapterRecipe
    options: ModelOptions
    limits: Limits
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished adapter: its folder, what its card says, and sentences to think about."""

    folder: Path
    card: str
    warnings: tuple[str, ...]


def trained(training: Training, cancel: Event) -> Iterator[TrainingStep | Trained]:
    """Steps as they are done, then what was made.

    Raises Cancelled when `cancel` is set, and InputError; asked for again, a training that was stopped goes on.
    """
    check_new(training.name, overwrite=training.overwrite)  # here, for a process takes seconds to start
    processes = get_context("spawn")
    news, end = processes.Pipe(duplex=False)
    stop = processes.Event()
    process = processes.Process(target=_train, args=(training, end, stop), daemon=True)
    process.start()
    end.close()
    try:
        while True:
            if cancel.is_set():
                stop.set()
            if not news.poll(LOOK_SECONDS):
                continue
            said = news.recv()
            if isinstance(said, Exception):
                raise said
            yield said
            if isinstance(said, Trained):
                return
    except EOFError:
        raise RuntimeError("the process that trains has ended") from None
    finally:
        stop.set()  # when nobody looks any more, too: the state is kept
        news.close()


def _train(training: Training, end: Connection, stop: SharedEvent) -> None:
    """In the other process."""
    os.nice(NICE)

    def told(step: TrainingStep) -> bool:
        try:
            end.send(step)
        except OSError:  # the page is gone
            return False
        return not stop.is_set()

    try:
        report = train_adapter(
            [opened(path, training.limits) for path in training.pictures],
            name=training.name,
            recipe=training.recipe,
            options=training.options,
            samples_every=SAMPLES_EVERY if training.options == ModelOptions() else SLOW_SAMPLES_EVERY,
            overwrite=training.overwrite,
            on_step=told,
        )
        end.send(Trained(report.folder, report.card(), report.warnings))
    except (Cancelled, InputError) as error:
        _tell(end, error)
    except Exception:
        logging.getLogger("diffstyle_ui").exception("an error nobody expected")
        _tell(end, RuntimeError(UNEXPECTED))


def _tell(end: Connection, error: Exception) -> None:
    try:
        end.send(error)
    except OSError:
        return


def numbers(steps: Sequence[TrainingStep]) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Loss and held-out loss by step, for a curve."""
    held = [(s.done, s.held_loss) for s in steps if s.held_loss is not None]
    return [(s.done, s.loss) for s in steps], held

"""Training of personal adapters, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from diffstyle import AdapterRecipe, InputError, Picture
from diffstyle.assets.zoo import check_new
from diffstyle.core.model_options import ModelOptions
from diffstyle.serving.uploaded_files import open_picture
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.training_process import Report, run_process

if TYPE_CHECKING:
    from diffstyle.training.personal.run import TrainingStep  # its imports take seconds

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
    number = whole_number("steps", steps)
    return AdapterRecipe(minutes=float(minutes)) if number is None else AdapterRecipe(steps=number)


def whole_number(name: str, text: str | int | None) -> int | None:
    """The number that a text box holds, None if it is empty; InputError, with the `name`, for anything else."""
    if text is None or not str(text).strip():
        return None
    try:
        return int(str(text))
    except ValueError:
        raise InputError(f"{name} is {text!r}: give a whole number, or leave it empty.") from None


def check_count(pictures: Sequence[object]) -> None:
    """InputError for more pictures than one training takes."""
    if len(pictures) > MAX_PICTURES:
        raise InputError(f"There are {len(pictures)} pictures: give at most {MAX_PICTURES}.")


def run_training(job: TrainingJob, cancel: Event) -> Iterator[TrainingStep | TrainedAdapter]:
    """The steps as they are done, then the adapter. A training that was stopped resumes when it is run again.

    Raises Cancelled when `cancel` is set, and InputError.
    """
    check_count(job.pictures)
    check_new(job.name, overwrite=job.overwrite)  # before the process starts, which takes seconds
    return run_process(_train, job, cancel)


def loss_series(steps: Sequence[TrainingStep]) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Pairs of step and loss, for training pictures and for held-out pictures."""
    held_out = [(s.done, s.held_loss) for s in steps if s.held_loss is not None]
    return [(s.done, s.loss) for s in steps], held_out


def _train(job: TrainingJob, report: Report[TrainingStep]) -> TrainedAdapter:
    from diffstyle import train_adapter

    done = train_adapter(
        [reduced(path, job.limits, LONGEST) for path in job.pictures],
        name=job.name,
        recipe=job.recipe,
        options=job.options,
        samples_every=SAMPLES_EVERY if job.options == ModelOptions() else SLOW_SAMPLES_EVERY,
        overwrite=job.overwrite,
        on_step=report,
    )
    return TrainedAdapter(done.folder, done.card(), done.warnings)


def reduced(path: Path, limits: Limits, longest: int) -> Picture:
    """A picture no larger than training needs, so that many of them fit into memory."""
    return open_picture(path, limits).reduced(longest)

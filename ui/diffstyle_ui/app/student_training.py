"""Training of students, in a process of its own: what can be asked for, and what comes of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from diffstyle import InputError, Style
from diffstyle.assets.students import check_new_student, student_file, student_names
from diffstyle.core.model_options import ModelOptions
from diffstyle.training.distil.recipe import DistilRecipe
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.parts import words_of
from diffstyle_ui.app.student_jobs import StudentJob
from diffstyle_ui.app.training import whole_number
from diffstyle_ui.app.training_process import Report, run_process
from diffstyle_ui.widgets.style_rows import StylePart

if TYPE_CHECKING:
    from diffstyle.training.distil.train import DistilStep  # its imports take seconds

MINUTES = (5, 20, 60)
MAX_STEPS, MAX_EXAMPLES = 5000, 500  # about as long as the longest time


@dataclass(frozen=True, slots=True)
class StudentTraining:
    """A kept `job`, the model that paints its examples, and the folder `out` for the files to download."""

    job: StudentJob
    options: ModelOptions
    limits: Limits
    out: Path


@dataclass(frozen=True, slots=True)
class TaughtStudent:
    """A finished student: its folder, warnings, and its `files` to download."""

    folder: Path
    warnings: tuple[str, ...]
    files: tuple[Path, ...]


def student_recipe(
    minutes: float, size: Any, *, video: bool = False, examples: str | int | None = None, steps: str | int | None = None
) -> DistilRecipe:
    """The recipe for one of MINUTES, or for a number of steps if they are given. Raises InputError for bad values."""
    if minutes not in MINUTES:
        raise InputError(f"minutes is {minutes}: give one of {', '.join(map(str, MINUTES))}.")
    painted, number = whole_number("examples", examples), whole_number("steps", steps)
    for name, value, most in (("examples", painted, MAX_EXAMPLES), ("steps", number, MAX_STEPS)):
        if value is not None and value > most:
            raise InputError(f"{name} is {value}: give at most {most}.")
    own = {} if painted is None else {"examples": painted}
    return DistilRecipe(size=size, minutes=float(minutes), steps=number, video=video, **own)


def own_styles(named: Sequence[tuple[str, Style]]) -> dict[str, Style]:
    """The styles that a student of a mix learns, by their names: one style as it is, else each reference of each, since
    a blend is painted from these. Raises InputError if there are none.
    """
    if not named:
        raise InputError("There is no style yet: choose one first.")
    found: dict[str, Style] = {}
    for name, style in named:
        pieces = [style] if len(named) == 1 else [Style((r,)) for r in style.references]
        for n, piece in enumerate(pieces):
            found[_free(name if len(pieces) == 1 else f"{name} {n + 1}", found)] = piece
    return found


def styles_of(parts: Sequence[StylePart]) -> dict[str, Style]:
    """The styles that a student of these parts learns, by what can be typed for them."""
    return own_styles([(words_of(part) or Path(part.label).stem, part.style) for part in parts])


def new_name(styles: Sequence[str]) -> str:
    """A name for a student that no other has."""
    plain = re.sub(r"[^a-z0-9]+", "-", " ".join(styles).lower())[:40].strip("-")
    return free_name(f"{plain}-fast" if plain else "fast")


def free_name(name: str) -> str:
    """`name`, with a number if a student has it already."""
    return _free(name, student_names(), "-")


def _free(name: str, taken: Any, between: str = " ") -> str:
    """`name`, with the first number that makes it another one than those `taken`."""
    known, n = {other.casefold() for other in taken}, 2
    if name.casefold() not in known:
        return name
    while f"{name}{between}{n}".casefold() in known:
        n += 1
    return f"{name}{between}{n}"


def run_student(training: StudentTraining, cancel: Event) -> Iterator[DistilStep | TaughtStudent]:
    """The steps as they are done, then the student. A training that was stopped goes on when it is run again.

    Raises Cancelled when `cancel` is set, and InputError.
    """
    check_new_student(training.job.name, overwrite=False)  # before the process starts, which takes seconds
    return run_process(teach, training, cancel)


def teach(training: StudentTraining, report: Report[DistilStep]) -> TaughtStudent:
    """Train until it is done; the process calls it."""
    from diffstyle.training.distil.train import distil

    job = training.job
    done = distil(
        job.read_styles(),
        name=job.name,
        recipe=job.recipe,
        options=training.options,
        photos=job.read_photos(training.limits),
        work=job.work,  # nothing of a visitor's stays elsewhere
        on_step=report,
    )
    training.out.mkdir(parents=True, exist_ok=True)
    tensors, network = (training.out / f"{job.name}{suffix}" for suffix in (".safetensors", ".onnx"))
    shutil.copyfile(student_file(job.name), tensors)
    missing = _exported(job.name, network)
    files = (tensors, *([network] if network.is_file() else []))
    return TaughtStudent(done.folder, (*done.warnings, *missing), files)


def _exported(name: str, out: Path) -> tuple[str, ...]:
    """Write a student as ONNX; what is missing for that, in a sentence."""
    from diffstyle.export.files import write
    from diffstyle.export.targets import exportable

    try:
        write(exportable(name), "onnx", out)
    except InputError as error:
        return (f"There is no ONNX file: {error}",)
    return ()

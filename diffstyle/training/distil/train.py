"""`distil`: styles in, a student among the user's own and a report out."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from diffstyle._version import __version__
from diffstyle.assets.students import SHEET, TENSORS, check_new_student
from diffstyle.assets.zoo import CARD, replacing
from diffstyle.core.device import fast_dtype, find_device
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.style import Style
from diffstyle.encoders.features import EfficientNetLite0
from diffstyle.engines.feedforward.student import MAX_STYLES, OwnStyle, write_student
from diffstyle.formats.atomic import cache_folder
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import Pixels
from diffstyle.training.distil.examples import Example, Lesson, draw, paint_examples, photos_in, split
from diffstyle.training.distil.motion import FEATURE_WEIGHT, GRAIN, OUTPUT_WEIGHT
from diffstyle.training.distil.objective import Weights
from diffstyle.training.distil.recipe import DistilRecipe
from diffstyle.training.distil.report import DistilReport, write_sheet
from diffstyle.training.distil.start import Beginning, Start
from diffstyle.training.distil.trainer import DistilTrainer
from diffstyle.training.loop import STATE_FORMAT, Budget, Run, fit, flushed_denormals

PAINTING_SHARE = 1 / 3  # of the minutes at most: for painting examples
SAVE_EVERY = 120.0  # seconds
CHECKPOINT, EXAMPLES = "student", "examples.txt"  # of a run
LICENCE = "that of the pictures whose styles it paints"


@dataclass(frozen=True, slots=True)
class DistilStep:
    """`done` of `total` steps of a `stage`, total None if the time decides; the `loss` while training, the share of the
    stage that is over, and the sheet painted last.
    """

    stage: str
    done: int
    total: int | None
    loss: float | None = None
    share: float = 0.0
    sheet: Path | None = None


OnDistilStep = Callable[[DistilStep], "bool | None"]
"""Called after every example and step; returning False stops, and the training can go on later."""


def distil(
    styles: Mapping[str, Style],
    *,
    name: str,
    recipe: DistilRecipe | None = None,
    start: Start | None = None,
    options: ModelOptions | None = None,
    photos: str | Path | None = None,
    overwrite: bool = False,
    licence: str = LICENCE,
    out: str | Path | None = None,
    work: str | Path | None = None,
    on_step: OnDistilStep | None = None,
) -> DistilReport:
    """Train a student called `name` on `styles` by their names, 1 to MAX_STYLES.

    Each style is painted by the engine that paints it when nobody names one. The student is put among the user's own,
    where `Feedforward(student=name)` finds it, or into a folder of its name in `out`. A training that was stopped or
    killed goes on when it is asked for again with the same styles, photos and recipe.

    Parameters
    ----------
    start
        The student that the training goes on from; its size replaces that of `recipe`.
    options
        The model that paints the examples, and the device; the starter if not given.
    photos
        A folder of photos to learn from; those of scikit-image and procedural scenes if not given.
    licence
        What the student's file says of its licence.
    work
        The folder for examples and checkpoint, with which a training goes on; in the cache folder if not given.

    Raises InputError for names, styles and photos that cannot be used; Cancelled when `on_step` returns False.
    """
    recipe, options = recipe or DistilRecipe(), options or ModelOptions()
    if not 1 <= len(styles) <= MAX_STYLES:
        raise InputError(f"Got {len(styles)} styles: a student paints 1 to {MAX_STYLES}.")
    folder = check_new_student(name, home=None if out is None else Path(out), overwrite=overwrite)
    found = photos_in(None if photos is None else Path(photos), seed=recipe.seed)
    own = tuple(OwnStyle.of(n, s) for n, s in styles.items())
    first = None if start is None else start.begin(recipe, own)
    if first is not None:
        recipe = replace(recipe, size=first.network.size)
    home = cache_folder() / "students" if work is None else Path(work)
    job = _Job(own, tuple(styles.values()), found, recipe, options, home, first)
    with replacing(folder) as partial:
        return job.run(partial, name=name, folder=folder, licence=licence, on_step=on_step)


@dataclass(frozen=True, slots=True)
class _Job:
    """One training: what it paints, learns from, and how."""

    own: tuple[OwnStyle, ...]
    styles: tuple[Style, ...]
    photos: tuple[Pixels, ...]
    recipe: DistilRecipe
    options: ModelOptions
    home: Path
    first: Beginning | None

    @property
    def examples_folder(self) -> Path:
        """Where the examples are kept, for trainings of other sizes and lengths too."""
        digests = [hashlib.sha256(p.tobytes()).hexdigest() for p in self.photos]
        values = (
            [s.digest for s in self.own], digests, asdict(self.options.shareable()), self.recipe.seed, __version__,
        )  # fmt: skip
        return self.home / _digest(values)[:24]

    @property
    def identity(self) -> str:
        """A digest of all that decides the training: a checkpoint is resumed only if it is the same."""
        first = () if self.first is None else (self.first.digest,)
        moving = (GRAIN, OUTPUT_WEIGHT, FEATURE_WEIGHT) if self.recipe.video else ()
        values = (self.examples_folder.name, asdict(self.recipe), asdict(Weights()), STATE_FORMAT, *first, *moving)
        return _digest(values)

    def run(
        self, partial: Path, *, name: str, folder: Path, licence: str, on_step: OnDistilStep | None
    ) -> DistilReport:
        recipe, device = self.recipe, find_device(self.options.device)
        out = self.examples_folder / self.identity[:24]
        examples = self._examples(out / EXAMPLES, on_step)
        train, held = split(examples)
        features = EfficientNetLite0.load(dtype=fast_dtype(device)).to(device)
        minutes = None if recipe.steps is not None else recipe.minutes * (1 - PAINTING_SHARE)
        trainer = DistilTrainer(
            features,
            len(self.own),
            recipe,
            budget=Budget(minutes, recipe.steps),
            device=device,
            network=None if self.first is None else self.first.network,
        )
        run = Run(out, str(device), save_every=SAVE_EVERY, log_every=0)
        sheet = out / SHEET

        def make(number: int, progress: float) -> Lesson:
            del progress
            rng = np.random.default_rng((recipe.seed, number))
            return draw(train, crop=recipe.crop // 16 * 16, count=recipe.batch, rng=rng)

        def on_save() -> None:
            with trainer.average_in_place():
                write_sheet(sheet, trainer.network, held, [s.name for s in self.own])

        def on_trained(terms: Mapping[str, float]) -> bool | None:
            loss = sum(v for k, v in terms.items() if k != "norm")
            if on_step is None:
                return None
            return on_step(DistilStep("training", trainer.step, recipe.steps, loss, trainer.progress, sheet))

        before = trainer.loss_on(held)
        with flushed_denormals():
            fit(trainer, make, run, name=CHECKPOINT, on_step=on_trained, on_save=on_save)
        report = DistilReport(
            name=name,
            folder=folder,
            size=recipe.size,
            styles=tuple(s.name for s in self.own),
            parameters=sum(p.numel() for p in trainer.network.parameters()),
            examples=len(examples),
            steps=trainer.step,
            seconds=trainer.seconds,
            before=before,
            trained=trainer.loss_on(train),
            held=trainer.loss_on(held),
            recipe=self.identity,
            start="" if self.first is None else self.first.described,
        )
        trainer.load(trainer.averaged())
        write_student(partial / TENSORS, trainer.network, self.own, licence=licence, recipe=self.identity)
        (partial / CARD).write_text(report.card(), "utf-8")
        write_sheet(partial / SHEET, trainer.network, held, [s.name for s in self.own])
        return report

    def _examples(self, counted: Path, on_step: OnDistilStep | None) -> list[Example]:
        """As many as time allows; in a training that goes on, as many as it began with: the file `counted` says it."""

        def on_example(done: int, total: int) -> bool | None:
            return None if on_step is None else on_step(DistilStep("painting", done, total, share=done / total))

        known = int(counted.read_text("utf-8")) if counted.is_file() else None
        found = paint_examples(
            Stylizer.of(self.options),
            self.styles,
            self.photos,
            self.examples_folder,
            count=known or self.recipe.examples,
            seconds=math.inf if known else 60 * self.recipe.minutes * PAINTING_SHARE,
            seed=self.recipe.seed,
            on_example=on_example,
        )
        counted.parent.mkdir(parents=True, exist_ok=True)
        counted.write_text(str(len(found)), "utf-8")
        return found


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

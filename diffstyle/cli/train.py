"""`diffstyle train`"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.cli.progress import Progress, say
from diffstyle.core.errors import Cancelled, InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.training.personal.recipe import AdapterRecipe

if TYPE_CHECKING:
    from diffstyle.training.personal.run import OnTrainingStep, TrainingStep

USUAL = AdapterRecipe()
STARTER = ModelOptions()


def train(
    pictures: Path,
    /,
    *,
    name: str,
    photos: Path | None = None,
    samples: int = 2,
    samples_every: int = 0,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    json_report: Annotated[bool, Parameter(name="--json", negative=())] = False,
    recipe: Annotated[AdapterRecipe, Parameter(name="*", negative=())] = USUAL,
    options: Annotated[ModelOptions, Parameter(name="*", negative=())] = STARTER,
) -> int:
    """Train a style adapter of your own; a training that was stopped goes on when it is asked for again.

    Parameters
    ----------
    pictures
        A folder of 3 to 500 pictures in one style; NAME.txt beside a picture says what it shows.
    name
        What the adapter is called: --style adapter:NAME.
    photos
        A folder of plain photos to try the style on while it is learned; some that come with scikit-image if not given.
    samples
        How many photos the report paints, and how many others to see how much to keep of what was learned; 0 for none.
    samples_every
        After how many steps they are painted with what was learned so far, to .NAME.training.jpg among your adapters; 0
        for never.
    overwrite
        Replace an adapter of that name.
    json_report
        Print the report as one JSON object.
    """
    from diffstyle.training.personal.run import leads
    from diffstyle.training.personal.train import train_adapter

    for what, value in (("samples", samples), ("samples_every", samples_every)):
        if value < 0:
            raise InputError(f"{what} is {value}: give 0 or more.")
    say(f"training {name} on {pictures}")
    progress = Progress()
    try:
        report = train_adapter(
            pictures,
            name=name,
            recipe=recipe,
            options=options,
            photos=photos,
            samples=samples,
            samples_every=samples_every,
            overwrite=overwrite,
            on_step=_shown(progress),
        )
    except (KeyboardInterrupt, Cancelled):
        print("diffstyle: stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    finally:
        progress.close()
    if not leads():
        return 0
    if json_report:
        print(report.to_json())
        return 0
    print((report.folder / "CARD.md").read_text("utf-8"))
    print(f"Paint in it with  diffstyle stylize PHOTO --style adapter:{name}")
    return 0


def _shown(progress: Progress) -> OnTrainingStep:
    """The steps with their losses, and the time that is left."""

    def show(step: TrainingStep) -> None:
        loss = f"loss {step.loss:.3f}" if step.held_loss is None else f"held out {step.held_loss:.3f}"
        progress.update(step.done, step.total, loss if step.left is None else f"{loss}, {step.left:.0f} s left")

    return show

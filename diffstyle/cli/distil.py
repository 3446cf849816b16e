"""`diffstyle distil`"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.assets.students import STUDENTS_VARIABLE
from diffstyle.cli.options import STYLE
from diffstyle.cli.progress import Progress, say
from diffstyle.core.errors import Cancelled, InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.user_path import is_file
from diffstyle.training.distil.recipe import DistilRecipe

if TYPE_CHECKING:
    from diffstyle.core.style import Style
    from diffstyle.training.distil.train import DistilStep, OnDistilStep

USUAL = DistilRecipe()
STARTER = ModelOptions()
_PREFIX = re.compile(r"(text|image|preset|adapter):", re.I)


def distil(
    *,
    style: Annotated[list[str], Parameter(name=["--style", "-s"], group=STYLE, negative=(), json_list=False)],
    name: str,
    start: Annotated[str | None, Parameter(name="--from")] = None,
    prune: float = 0.0,
    photos: Path | None = None,
    out: Path | None = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    json_report: Annotated[bool, Parameter(name="--json", negative=())] = False,
    recipe: Annotated[DistilRecipe, Parameter(name="*", negative=())] = USUAL,
    options: Annotated[ModelOptions, Parameter(name="*", negative=())] = STARTER,
) -> int:
    """Teach styles to a small network that paints in real time; a training that was stopped goes on when it is asked
    for again.

    Parameters
    ----------
    style
        Words, a picture, a style file, or a name from `diffstyle style list`. Give --style once for each style, 64 at
        most: the student paints each of them, and their blends.
    name
        What the student is called: --engine feedforward --student NAME.
    start
        A student to go on from instead of a new one, with the --style options that it learned, others, or both: what it
        knows is kept, and a new style begins with the mean of its styles. It keeps its size.
    prune
        With --from: remove this share of its channels first, those that count least, for a smaller and faster student.
    photos
        A folder of photos to learn from, of the kind that will be painted; if not given, procedural scenes and the few
        CC0 photos that come with scikit-image.
    out
        The folder of students that it is put into; yours if not given, which DIFFSTYLE_STUDENTS names.
    overwrite
        Replace a student of that name.
    json_report
        Print the report as one JSON object.
    """
    if prune and start is None:
        raise InputError("--prune removes channels of a student: name it with --from.")
    from diffstyle.training.distil.start import Start
    from diffstyle.training.distil.train import distil as train

    first = None if start is None else Start(student=start, prune=prune)
    styles = _named(style)
    say(f"teaching {', '.join(styles)} to {name}")
    if photos is None:
        say("learning from procedural scenes and the photos of scikit-image; --photos FOLDER uses yours")
    progress = Progress()
    try:
        report = train(
            styles,
            name=name,
            recipe=recipe,
            start=first,
            options=options,
            photos=photos,
            overwrite=overwrite,
            out=out,
            on_step=_shown(progress),
        )
    except (KeyboardInterrupt, Cancelled):
        print("diffstyle: stopped; the same command goes on from here.", file=sys.stderr)
        return 130
    finally:
        progress.close()
    if json_report:
        print(report.to_json())
        return 0
    print((report.folder / "CARD.md").read_text("utf-8"))
    where = "" if out is None else f"{STUDENTS_VARIABLE}={out} "
    asked = f'--engine feedforward --student {name} --style "{next(iter(styles))}"'
    print(f"Paint with it:  {where}diffstyle stylize PHOTO {asked}")
    return 0


def _named(specs: list[str]) -> dict[str, Style]:
    """Each style by what it is called: its words, its name, or the name of its file without the suffix."""
    from diffstyle.assets.style_spec import parse_style

    found: dict[str, Style] = {}
    for spec in specs:
        style = parse_style([spec])
        plain = spec if is_file(spec) else _PREFIX.sub("", spec, count=1)
        name = Path(plain).name.partition(".")[0] if is_file(plain) else plain.strip()
        if name.casefold() in {n.casefold() for n in found}:
            raise InputError(f"Two styles are called {name}: give each --style once, and files different names.")
        found[name] = style
    return found


def _shown(progress: Progress) -> OnDistilStep:
    """The steps with their loss, and the share of the time that is over."""

    def show(step: DistilStep) -> None:
        loss = "" if step.loss is None else f", loss {step.loss:.3f}"
        progress.unit = "example" if step.loss is None else "step"
        progress.update(step.done, step.total, f"{step.share:.0%}{loss}")

    return show

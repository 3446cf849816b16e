"""`diffstyle tune`"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.cli.options import STYLE, check_range, named_paths
from diffstyle.cli.progress import Progress, say
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import MAX_SEED, MAX_SIDE
from diffstyle.formats.atomic import Inputs, check_writable, write_atomic

if TYPE_CHECKING:
    from diffstyle.core.picture import Picture
    from diffstyle.evaluation.target import Target
    from diffstyle.evaluation.tune import Trial

STARTER = ModelOptions()
_ACROSS = 6  # pictures in a row of the sheet
_DIGITS = 3


def tune(
    content: Annotated[Path, Parameter(name="PHOTO", converter=named_paths)],
    /,
    *,
    style: Annotated[
        list[str], Parameter(name=["--style", "-s"], group=STYLE, negative=(), show_default=False, json_list=False)
    ],
    target: str = "content>=0.6, style=max",
    budget: int = 20,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    engine: str | None = None,
    size: int | None = None,
    trial_size: int = 256,
    seed: int = 0,
    options: Annotated[ModelOptions, Parameter(name="*", negative=())] = STARTER,
) -> int:
    """Find strength, structure, stroke and colour: diffstyle tune photo.jpg --style s.jpg --target "style=max"

    Parameters
    ----------
    content
        The photo.
    style
        As for `diffstyle stylize`; a picture must be among them.
    target
        Metrics with =max, =min, >= or <=, separated by commas. content and style are at most 1, more is
        better; the others are the metrics of one picture of `diffstyle evaluate`.
    budget
        Number of trials.
    out
        The picture to write with the settings found, recipe inside; PHOTO.tuned.png beside the photo if not given. The
        best trials go to NAME.front.jpg, all of them to NAME.trials.json.
    engine
        What paints; the engine that the model names for this style if not given.
    size
        Longest side of that picture in pixels; the photo's own if not given.
    trial_size
        Longest side of the renders that are tried.
    seed
        Of the search and of the renders.
    """
    check_range("budget", budget, 2, 1000)
    check_range("size", size, 64, MAX_SIDE)
    check_range("trial_size", trial_size, 64, 1024)
    check_range("seed", seed, 0, MAX_SEED)
    from diffstyle.assets.style_spec import parse_style, style_paths
    from diffstyle.core.fields import values_of
    from diffstyle.core.picture import Picture
    from diffstyle.core.task import Task
    from diffstyle.evaluation.target import Target
    from diffstyle.evaluation.tune import search, style_picture
    from diffstyle.formats.picture_file import check_output
    from diffstyle.stylizer import Stylizer

    wanted = Target.parse(target)
    picture_file = out or content.with_name(f"{content.stem}.tuned.png")
    sheet, table = (picture_file.with_suffix(end) for end in (".front.jpg", ".trials.json"))
    check_output(picture_file, None)
    for path in (picture_file, sheet, table):
        check_writable(path, Inputs.of([content, *style_paths(style)]))
    photo, asked = Picture.open(content), parse_style(style)
    stylizer = Stylizer.of(options)
    say(f"trying {budget} settings for {content.name}")
    progress = Progress("trial")
    try:
        trials = search(
            stylizer,
            photo,
            asked,
            wanted,
            engine=engine,
            budget=budget,
            size=trial_size,
            seed=seed,
            on_trial=progress.update,
        )
    finally:
        progress.close()
    found = [trial.figures for trial in trials]
    best, front = wanted.best(found), wanted.front(found)
    _write_sheet(sheet, photo, style_picture(asked), trials, best, front)
    chosen = trials[best]
    _write_trials(table, target, trials, best, front)
    task = Task(photo, asked, engine=engine, **values_of(replace(chosen.settings, size=size)))
    stylizer.render(task).save(picture_file)
    _say_missed(wanted, chosen)
    print(_words(chosen))
    print(f"{picture_file}, of {len(trials)} trials; {len(front)} on the front: {sheet}")
    return 0


def _say_missed(target: Target, chosen: Trial) -> None:
    for term in target.terms:
        if term.missed(chosen.figures[term.name]) > 0:
            sign = ">=" if term.goal == "max" else "<="
            say(f"No trial reached {term.name}{sign}{term.limit:g}: the nearest has {chosen.figures[term.name]:.3f}.")


def _words(trial: Trial) -> str:
    s = trial.settings
    settings = f"strength {s.strength:.2f}, structure {s.structure:.2f}, stroke {s.stroke:.2f}, colour {s.colour}"
    return f"{settings}: {', '.join(f'{name} {value:.{_DIGITS}f}' for name, value in trial.figures.items())}"


def _write_sheet(
    path: Path, photo: Picture, style: Picture, trials: Sequence[Trial], best: int, front: Sequence[int]
) -> None:
    """The photo, the style, and the trials of the front in the order of the first figure."""
    import numpy as np

    from diffstyle.evaluation import sheets

    size = trials[best].picture.size
    cells = [sheets.labelled(sheets.fitted_in(photo, size), "photo")]
    cells.append(sheets.labelled(sheets.fitted_in(style, size), "style"))
    first = next(iter(trials[best].figures))
    for n in sorted({*front, best}, key=lambda n: trials[n].figures[first]):
        figures = " ".join(f"{name} {value:.2f}" for name, value in trials[n].figures.items())
        label = f"chosen: {figures}" if n == best else figures
        cells.append(sheets.labelled(sheets.row([trials[n].picture]), label))
    across = min(_ACROSS, len(cells))
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % across)
    sheets.write_sheet(path, [np.concatenate(cells[n : n + across], 1) for n in range(0, len(cells), across)])


def _write_trials(path: Path, target: str, trials: Sequence[Trial], best: int, front: Sequence[int]) -> None:
    from diffstyle.core.fields import values_of

    values = {
        "target": target,
        "chosen": best,
        "front": list(front),
        "trials": [{"settings": values_of(t.settings), "figures": dict(t.figures)} for t in trials],
    }
    write_atomic(path, lambda file: file.write(json.dumps(values, indent=1).encode()))

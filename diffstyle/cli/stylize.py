"""`diffstyle stylize`"""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.cli.style_options import Asked, Look
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.task import Settings
from diffstyle.formats.atomic import check_writable

if TYPE_CHECKING:
    from torch import Tensor

    from diffstyle.core.picture import Picture
    from diffstyle.core.style import Style
    from diffstyle.engines.base import OnStep, Step
    from diffstyle.stylizer import Stylizer


NOTHING = Asked()
DEFAULTS = Settings()
STARTER = ModelOptions()


def stylize(
    contents: Annotated[list[Path], Parameter(name="PHOTO", negative=())],
    /,
    *,
    asked: Annotated[Asked, Parameter(name="*")] = NOTHING,
    out: Annotated[str, Parameter(name=["--out", "-o"], show_default=False)] = "",
    layers: Path | None = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    json_lines: Annotated[bool, Parameter(name="--json", negative=())] = False,
    settings: Annotated[Settings, Parameter(name="*")] = DEFAULTS,
    options: Annotated[ModelOptions, Parameter(name="*", negative=())] = STARTER,
) -> int:
    """Repaint one photo, or many.

    Parameters
    ----------
    contents
        The photos.
    out
        The file to write, or the folder (several photos, or a name that ends in /); beside the photo if not given.
    layers
        Where to write the layers too, for other programs: the photo, what each style painted, the mask; a .tif file, or
        a folder. Of several photos, each has its own in there.
    overwrite
        Replace pictures in the folder that were made by another recipe.
    json_lines
        Print one JSON object a picture.
    """
    with uncollected():
        from diffstyle.core.picture import Picture
        from diffstyle.formats.picture_file import check_output

    inputs = [*contents, *asked.files]
    if len(contents) == 1 and not out.endswith("/") and not (out and Path(out).is_dir()):
        target = Path(out) if out else contents[0].with_name(f"{contents[0].stem}.styled.png")
        check_output(target, None, depth=settings.depth)
        check_writable(target, inputs)
        if layers is not None:
            from diffstyle.formats.layered import check_layers

            check_layers(layers)
        picture = Picture.open(contents[0])  # before anything is loaded that takes longer
        job = _job(asked, settings, options, json_lines=json_lines)
        _render(job, picture, contents[0], target, layers=layers)
        return 0
    if not out:
        raise InputError("Several photos need a folder to go to: add -o FOLDER/.")
    targets = _targets(contents, Path(out))
    job = _job(asked, settings, options, json_lines=json_lines)
    return _render_all(job, targets, inputs, overwrite=overwrite, layers=layers)


def _job(asked: Asked, settings: Settings, options: ModelOptions, *, json_lines: bool) -> Job:
    """Everything loaded and measured."""
    with uncollected():
        from diffstyle.stylizer import Stylizer

        look = Look.of(asked)
        stylizer = Stylizer.of(options)
        if settings.engine != "adain":
            stylizer.wear(look.styles)
        settings = stylizer.engine(settings.engine).settled(settings)
        return Job(stylizer, look.measured(stylizer, settings), settings, json_lines)


@contextlib.contextmanager
def uncollected() -> Generator[None]:
    """While thousands of modules are loaded, to stay: Python looks for no garbage among them, for half a second."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass(frozen=True, slots=True)
class Job:
    """What is the same for every photo of a run."""

    stylizer: Stylizer
    look: Look
    settings: Settings
    json_lines: bool

    def say(self, **values: object) -> None:
        """One line for machines."""
        if self.json_lines:
            print(json.dumps(values), flush=True)


def _targets(contents: list[Path], folder: Path) -> dict[Path, Path]:
    """Where each photo goes; photos that share a stem keep their suffix, so that none overwrites another."""
    from diffstyle.core.errors import explain

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, f"make the folder {folder}") from error
    check_writable(folder / "picture.png")
    stems = [c.stem for c in contents]
    targets = {c: folder / f"{c.stem if stems.count(c.stem) == 1 else c.name}.png" for c in contents}
    if len(set(targets.values())) < len(targets):
        raise InputError("Two of the photos have the same name: render them into folders of their own.")
    return targets


def _render_all(
    job: Job, targets: dict[Path, Path], inputs: list[Path], *, overwrite: bool, layers: Path | None
) -> int:
    from tqdm import tqdm

    from diffstyle.core.picture import Picture

    failed: list[str] = []
    skipped = 0
    with tqdm(targets.items(), unit="picture", disable=job.json_lines or not sys.stderr.isatty()) as bar:
        for content, target in bar:
            bar.set_postfix_str(content.name)
            try:
                check_writable(target, inputs)
                if target.exists() and _is_done(job, content, target):
                    skipped += 1
                    job.say(content=str(content), out=str(target), skipped=True)
                elif target.exists() and not overwrite:
                    raise InputError(f"{target} is there already and was not made like this: add --overwrite.")
                else:
                    own = None if layers is None else layers / target.stem
                    _render(job, Picture.open(content), content, target, layers=own)
            except InputError as error:
                failed.append(f"{content}: {error}")
                job.say(content=str(content), error=str(error))
    done = len(targets) - skipped - len(failed)
    print(f"{done} painted, {skipped} already there, {len(failed)} failed.", file=sys.stderr)
    for line in failed:
        print(f"  {line}", file=sys.stderr)
    return 1 if failed else 0


def _is_done(job: Job, content: Path, target: Path) -> bool:
    """Whether `target` is the very picture that would be painted now."""
    from diffstyle.controls.wrapper import with_content
    from diffstyle.core.picture import Picture
    from diffstyle.formats.recipe import read_recipe

    try:
        recipe = read_recipe(target)
    except InputError:
        return False
    weights = dict(job.stylizer.engine(job.settings.engine).weights)
    photo = Picture.open(content)
    asked = with_content(job.look.task(photo, job.settings), photo, lambda mask: mask.fitted(photo))
    same = recipe.content == photo.digest() and recipe.settings == job.settings and dict(recipe.weights) == weights
    same &= recipe.options == job.stylizer.options.shareable()
    same &= (recipe.negative_style, recipe.mask) == (asked.negative_style, asked.mask)
    same &= [r.mask for r in recipe.regions] == [r.mask for r in asked.regions]
    styles = [(recipe.style, asked.style)]
    styles += [(a.style, b.style) for a, b in zip(recipe.regions, asked.regions, strict=False)]
    return same and all(_equal(a, b) for a, b in styles)


def _equal(one: Style, other: Style) -> bool:
    """Whether they are of the same parts and were measured the same."""
    import torch

    def numbers(style: Style) -> dict[tuple[str, str], Tensor]:
        return {(r.digest, space): v for r in style.references for space, v in r.statistics.items()}

    a, b = numbers(one), numbers(other)
    return one == other and a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def _render(job: Job, picture: Picture, content: Path, target: Path, *, layers: Path | None) -> None:
    from diffstyle.controls.resize import fitted
    from diffstyle.core.task import styles
    from diffstyle.formats.picture_file import check_output

    begun = time.perf_counter()
    size = picture.size if job.settings.size is None else fitted(picture.size, job.settings.size)
    check_output(target, size, depth=job.settings.depth)
    task = job.look.task(picture, job.settings)
    references = [r.picture for style in styles(task) for r in style.references if r.picture is not None]
    for note in [n for p in (picture, *references) for n in p.notes]:
        print(f"diffstyle: {note}", file=sys.stderr)
    result = job.stylizer.render(task, on_step=_progress(job))
    for note in result.picture.notes:
        print(f"diffstyle: {note}", file=sys.stderr)
    result.save(target)
    if layers is not None:
        from diffstyle.formats.layered import save_layers

        save_layers(result, layers)
    seconds = round(time.perf_counter() - begun, 3)
    width, height = size
    measures = {name: round(value, 4) for name, value in result.measures.items()}
    job.say(
        content=str(content),
        out=str(target),
        width=width,
        height=height,
        seconds=seconds,
        seed=job.settings.seed,
        **measures,
    )
    if not job.json_lines and sys.stdout.isatty():
        print(target)


def _progress(job: Job) -> OnStep | None:
    """A bar on the terminal for a single picture that takes several steps."""
    if job.json_lines or not sys.stderr.isatty() or job.settings.engine == "adain":
        return None
    from tqdm import tqdm

    bar = tqdm(unit="step", leave=False)

    def show(step: Step) -> None:
        bar.total = step.total
        bar.update(step.done - bar.n)
        if step.done == step.total:
            bar.close()

    return show

"""`diffstyle stylize`"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.errors import InputError
from diffstyle.files import check_writable
from diffstyle.task import Settings

if TYPE_CHECKING:
    from diffstyle.style import Style
    from diffstyle.stylizer import Stylizer


DEFAULTS = Settings()


def stylize(
    contents: Annotated[list[Path], Parameter(name="PHOTO", negative=())],
    /,
    *,
    style: Annotated[list[str], Parameter(name=["--style", "-s"], negative=())],
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    overwrite: Annotated[bool, Parameter(negative=())] = False,
    json_lines: Annotated[bool, Parameter(name="--json", negative=())] = False,
    settings: Annotated[Settings, Parameter(name="*")] = DEFAULTS,
) -> int:
    """Repaint one photo, or many.

    Parameters
    ----------
    contents
        The photos.
    style
        A picture, a .style.safetensors file or a name from `diffstyle style list`, with :WEIGHT behind it if you
        like; give --style several times for a blend.
    out
        The file to write, or for several photos the folder; beside the photo if not given.
    overwrite
        Replace pictures in the folder that were made by another recipe.
    json_lines
        Print one JSON object a picture.
    """
    from diffstyle.recipe import output_format
    from diffstyle.style_spec import parse_style
    from diffstyle.stylizer import Stylizer

    folder = len(contents) > 1 or (out is not None and (out.is_dir() or str(out).endswith("/")))
    if not folder:
        target = out or contents[0].with_name(f"{contents[0].stem}.styled.png")
        output_format(target)
        check_writable(target)
        look = parse_style(style)
        _render(Stylizer.load(), contents[0], look, settings, target, json_lines)
        return 0
    if out is None:
        raise InputError("Several photos need a folder to go to: add -o FOLDER/.")
    targets = _targets(contents, out)
    look = parse_style(style)
    return _render_all(Stylizer.load(), targets, look, settings, overwrite=overwrite, json_lines=json_lines)


def _targets(contents: list[Path], folder: Path) -> dict[Path, Path]:
    """Where each photo goes; photos that share a stem keep their suffix, so that none overwrites another."""
    from diffstyle.errors import explain

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
    stylizer: Stylizer,
    targets: dict[Path, Path],
    style: Style,
    settings: Settings,
    *,
    overwrite: bool,
    json_lines: bool,
) -> int:
    from tqdm import tqdm

    failed: list[str] = []
    skipped = 0
    style = stylizer.measure(style)
    with tqdm(targets.items(), unit="picture", disable=json_lines or not sys.stderr.isatty()) as bar:
        for content, target in bar:
            bar.set_postfix_str(content.name)
            try:
                if target.exists() and _is_done(target, content, style, settings):
                    skipped += 1
                elif target.exists() and not overwrite:
                    raise InputError(f"{target} was made by another recipe: add --overwrite to replace it.")
                else:
                    _render(stylizer, content, style, settings, target, json_lines)
            except InputError as error:
                failed.append(f"{content}: {error}")
                if json_lines:
                    print(json.dumps({"content": str(content), "error": str(error)}), flush=True)
    done = len(targets) - skipped - len(failed)
    print(f"{done} painted, {skipped} already there, {len(failed)} failed.", file=sys.stderr)
    for line in failed:
        print(f"  {line}", file=sys.stderr)
    return 1 if failed else 0


def _is_done(target: Path, content: Path, style: Style, settings: Settings) -> bool:
    """Whether `target` is the very picture that would be painted now."""
    from diffstyle.picture import Picture
    from diffstyle.recipe import read_recipe

    try:
        recipe = read_recipe(target)
    except InputError:
        return False
    same = recipe.style == style and recipe.settings == settings
    return same and recipe.content == Picture.open(content).digest()


def _render(
    stylizer: Stylizer, content: Path, style: Style, settings: Settings, target: Path, json_lines: bool
) -> None:
    from diffstyle.picture import Picture
    from diffstyle.task import Task

    begun = time.perf_counter()
    picture = Picture.open(content)
    references = [r.picture for r in style.references if r.picture is not None]
    for note in [n for p in (picture, *references) for n in p.notes]:
        print(f"diffstyle: {note}", file=sys.stderr)
    result = stylizer.render(Task.of(picture, style, settings))
    result.save(target)
    if json_lines:
        width, height = result.picture.size
        line = {
            "content": str(content),
            "out": str(target),
            "width": width,
            "height": height,
            "seconds": round(time.perf_counter() - begun, 3),
            "seed": settings.seed,
        }
        print(json.dumps(line), flush=True)
    elif sys.stdout.isatty():
        print(target)

"""`diffstyle stylize`"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.cli.asked import StyleOptions
from diffstyle.cli.file_options import FileOptions
from diffstyle.cli.finished import Finished
from diffstyle.cli.job import Job, Request, facts, is_done, no_garbage_collection, reason_of
from diffstyle.cli.options import FILES, Bound, group, named_paths, with_options
from diffstyle.cli.progress import Progress, counted, say
from diffstyle.cli.targets import check_apart, default_target, found_photos, targets_in
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import EngineSettings, Settings, check_honoured
from diffstyle.engines.registry import default_engine_of, engine_names, settings_class
from diffstyle.formats.atomic import Inputs, check_writable

if TYPE_CHECKING:
    from diffstyle.core.picture import Picture
    from diffstyle.engines.base import OnStep, Step

NOTHING, PLAIN = StyleOptions(), FileOptions()
_PERSONAL = re.compile(r"(?:^|=)adapter:(?P<name>[\w-]+)")


def command(arguments: Sequence[str]) -> Callable[..., int]:
    """`stylize` with the options of the engine that `arguments` choose."""
    name = chosen_engine(arguments)
    cls = settings_class(name)
    bound = {
        "settings": Bound(Settings, "Look"),
        "engine_settings": Bound(cls, f"Engine {name}"),
        "options": Bound(ModelOptions, "Model"),
    }
    return with_options(stylize, bound, {"engine": engine_names()})


def engine_option(arguments: Sequence[str]) -> str | None:
    """The engine that --engine names; None if it names none."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--engine")
    try:
        found, _ = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError:
        return None
    return str(found.engine) if found.engine in engine_names() else None


def chosen_engine(arguments: Sequence[str]) -> str:
    """The engine that --engine names, or that paints the styles with the model and adapters of the other options."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--engine")
    parser.add_argument("--model", default=ModelOptions().model)
    for kind in ("--adapter", "--controlnet", "--lora"):
        parser.add_argument(kind, action="append", default=[])
    parser.add_argument("--style", "-s", action="append", default=[])
    parser.add_argument("--region", action="append", default=[])
    try:
        found, _ = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError:  # the command line says what is wrong when it reads the option itself
        return default_engine_of(ModelOptions())
    if found.engine is not None and found.engine in engine_names():
        return str(found.engine)
    options = ModelOptions(
        model=found.model,
        adapter=tuple(found.adapter),
        controlnet=tuple(found.controlnet),
        lora=tuple(found.lora),
    )
    styles = [found.style, *([region.partition("=")[2]] for region in found.region)]
    specs = [spec for style in styles for spec in style]
    if specs and not {"--help", "-h", "--json"} & set(arguments):
        say("reading the style")  # imports follow that take a second
    return default_engine_of(options, _kinds_of_adapters([*found.style, *found.region]), _prompts(styles))


def _prompts(styles: Sequence[Sequence[str]]) -> list[list[str]]:
    """The words of each reference of each style, given as specs, "" for one without words."""
    if not any(styles):
        return []
    with no_garbage_collection():
        from diffstyle.assets.style_spec import prompts_of

        return [[prompt for spec in specs for prompt in prompts_of(spec)] for specs in styles if specs]


def _kinds_of_adapters(specs: Sequence[str]) -> set[str]:
    """The kinds of the personal adapters that styles name; one that does not exist is reported when it is read."""
    found = [_PERSONAL.search(spec) for spec in specs]
    names = [match["name"] for match in found if match is not None]
    if not names:
        return set()
    from diffstyle.assets.zoo import adapter_folders, adapter_info

    infos = [adapter_info(name) for name in names if name in adapter_folders()]
    return {info.kind for info in infos if info.has_weights}


def stylize(
    contents: Annotated[list[Path], Parameter(name="PHOTO", negative=(), json_list=False, converter=named_paths)],
    /,
    *,
    out: Annotated[str, Parameter(name=["--out", "-o"], group=FILES, show_default=False)] = "",
    layers: Annotated[Path | None, Parameter(group=FILES, converter=named_paths)] = None,
    files: Annotated[FileOptions, Parameter(name="*")] = PLAIN,
    style_options: Annotated[StyleOptions, Parameter(name="*")] = NOTHING,
    settings: Settings,
    engine: Annotated[str | None, Parameter(group=group("Engine"))] = None,
    engine_settings: EngineSettings,
    options: ModelOptions,
) -> int:
    """Repaint one photo, or many.

    Parameters
    ----------
    contents
        The photos, or folders of photos.
    out
        The file to write, or the folder (several photos, or a name that ends in /); beside the photo if not given.
    layers
        Where to write the layers too, for other programs: the photo, what each style painted, the mask; a .tif file, or
        a folder. Each of several photos gets its own.
    engine
        What paints; the engine that the model names if not given. `--engine NAME --help` shows the engine's own
        options.
    """
    if engine is not None:
        settings_class(engine)  # an unknown name is an error
    style_options = style_options.named(engine_settings)
    check_honoured(settings, engine_settings, negative=style_options.negative_style is not None)
    asked_for = Request(style_options, settings, engine_settings, options, files)
    photos = found_photos(contents, recursive=files.recursive, out=Path(out) if out else None)
    alone = len(photos) == 1 and not contents[0].is_dir() and not out.endswith("/") and not (out and Path(out).is_dir())
    if not files.json_lines:
        say(f"painting {photos[0].path.name if alone else counted(len(photos), 'photo')} with {engine_settings.name}")
    with no_garbage_collection():
        from diffstyle.core.picture import Picture
        from diffstyle.formats.layered import is_one_file
        from diffstyle.formats.picture_file import check_output

    inputs = Inputs.of([*(p.path for p in photos), *style_options.files, *options.files])
    if alone:
        content = photos[0].path
        target = Path(out) if out else default_target(content, overwrite=files.overwrite)
        check_output(target, None, depth=files.depth)
        check_apart(target, layers, inputs)
        picture = Picture.open(content)  # a bad photo is reported before the model is loaded
        _render(Job.of(asked_for), picture, content, target, layers=layers)
        return 0
    if not out:
        raise InputError("Several photos need a folder to go to: add -o FOLDER/.")
    if layers is not None and is_one_file(layers):
        raise InputError(f"{layers} is one file, and there are several photos: give a folder for the layers.")
    targets = targets_in(photos, Path(out))
    return _render_all(Job.of(asked_for), targets, inputs, layers=layers)


def _render_all(job: Job, targets: dict[Path, Path], inputs: Inputs, *, layers: Path | None) -> int:
    from diffstyle.core.picture import Picture

    failed: list[str] = []
    skipped, finished = 0, Finished(job.record())
    progress = Progress("picture", shown=not job.request.files.json_lines)
    for n, (content, target) in enumerate(targets.items()):
        progress.update(n, len(targets), content.name)
        try:
            if target in inputs or target.is_dir():
                check_writable(target, inputs)  # says why not
            if (content, target) in finished or (target.exists() and is_done(job, content, target)):
                skipped += 1
                job.say(content=str(content), out=str(target), skipped=True)
            elif target.exists() and not job.request.files.overwrite:
                raise InputError(f"{target} is there already and was not made like this: add --overwrite.")
            else:
                own = None if layers is None else layers / target.stem
                if own is not None:
                    check_apart(target, own, inputs)
                _render(job, Picture.open(content), content, target, layers=own)
            finished.add(content, target)
        except BrokenPipeError:
            raise
        except Exception as error:  # one bad file never stops a folder
            reason = reason_of(error)
            failed.append(f"{content}: {reason}")
            job.say(content=str(content), error=reason)
    progress.close()
    done = len(targets) - skipped - len(failed)
    print(f"{done} painted, {skipped} already there, {len(failed)} failed.", file=sys.stderr)
    for line in failed:
        print(f"  {line}", file=sys.stderr)
    return 1 if failed else 0


def _render(job: Job, picture: Picture, content: Path, target: Path, *, layers: Path | None) -> None:
    started = time.perf_counter()
    progress = Progress()
    try:
        result = job.paint(picture, target, on_step=_progress(job, progress))
    finally:
        progress.close()
    if layers is not None:
        from diffstyle.formats.layered import save_layers

        save_layers(result, layers, depth=job.request.files.depth, recipe=not job.request.files.no_recipe)
    job.say(content=str(content), out=str(target), **facts(result, started))
    if not job.request.files.json_lines and sys.stdout.isatty():
        print(target)


def _progress(job: Job, progress: Progress) -> OnStep:
    """Steps of a picture that takes several."""
    progress.shown = not job.request.files.json_lines and not job.request.engine.capabilities.interactive

    def show(step: Step) -> None:
        progress.update(step.done, step.total)

    return show

"""`diffstyle video`"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.cli.asked import StyleOptions
from diffstyle.cli.clip_options import ClipOptions
from diffstyle.cli.clip_targets import PIPE, clip_targets, found_clips
from diffstyle.cli.file_options import FileOptions
from diffstyle.cli.job import Request, no_garbage_collection, reason_of
from diffstyle.cli.options import FILES, Bound, group, named_paths, with_options
from diffstyle.cli.progress import Progress, counted, say
from diffstyle.cli.stylize import chosen_engine
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import EngineSettings, Settings, check_honoured
from diffstyle.engines.registry import engine_names, settings_class
from diffstyle.formats.atomic import Inputs
from diffstyle.video.settings import Steadiness

if TYPE_CHECKING:
    from diffstyle.cli.clip_job import ClipJob

NOTHING, PLAIN, WHOLE = StyleOptions(), FileOptions(), ClipOptions()


def command(arguments: Sequence[str]) -> Callable[..., int]:
    """`video` with the options of the engine that `arguments` choose."""
    name = chosen_engine([*arguments, *_as_regions(arguments)])
    bound = {
        "settings": Bound(Settings, "Look"),
        "steadiness": Bound(Steadiness, "Look"),
        "engine_settings": Bound(settings_class(name), f"Engine {name}"),
        "options": Bound(ModelOptions, "Model"),
    }
    return with_options(video, bound, {"engine": engine_names()})


def _as_regions(arguments: Sequence[str]) -> list[str]:
    """The styles of --keyframes, for the choice of an engine that paints all of them."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--keyframes", default="")
    try:
        found, _ = parser.parse_known_args(list(arguments))
    except argparse.ArgumentError:
        return []
    return [word for spec in _keyframe_specs(found.keyframes) for word in ("--region", f"rest={spec}")]


def _keyframe_specs(text: str) -> list[str]:
    """The styles of --keyframes, as they are written."""
    if not text:
        return []
    from diffstyle.video.keyframes import specs_of

    return [spec for _, spec in specs_of(text)]


def video(
    clips: Annotated[list[Path], Parameter(name="CLIP", negative=(), json_list=False, converter=named_paths)],
    /,
    *,
    out: Annotated[str, Parameter(name=["--out", "-o"], group=FILES, show_default=False)] = "",
    clip_options: Annotated[ClipOptions, Parameter(name="*")] = WHOLE,
    files: Annotated[FileOptions, Parameter(name="*")] = PLAIN,
    style_options: Annotated[StyleOptions, Parameter(name="*")] = NOTHING,
    settings: Settings,
    steadiness: Steadiness,
    engine: Annotated[str | None, Parameter(group=group("Engine"))] = None,
    engine_settings: EngineSettings,
    options: ModelOptions,
) -> int:
    """Repaint one clip, or many.

    Parameters
    ----------
    clips
        The clips: files, folders of clips, folders of numbered frames, or - for raw frames from standard input.
    out
        The file to write (.mp4, .mov, .mkv, .webm, .gif or .webp), the folder (several clips, frames, or a name that
        ends in /), or - for raw frames to standard output; beside the clip if not given.
    engine
        What paints; the engine that the model names if not given. `--engine NAME --help` shows the engine's own
        options.
    """
    if engine is not None:
        settings_class(engine)  # an unknown name is an error
    style_options = style_options.named(engine_settings, _keyframe_specs(clip_options.keyframes))
    check_honoured(settings, engine_settings, negative=style_options.negative_style is not None)
    request = Request(style_options, settings, engine_settings, options, files)
    targets, alone = _targets(clips, out, clip_options, files)
    with no_garbage_collection():
        from diffstyle.cli.clip_job import ClipJob
        from diffstyle.video.files.encoding import check_name
    for target in targets.values():
        if target != PIPE:
            check_name(target, clip_options.codec)
    if not files.json_lines:
        say(f"painting {clips[0].name if alone else counted(len(targets), 'clip')} with {engine_settings.name}")
    inputs = Inputs.of([*targets, *style_options.files, *options.files])
    job = ClipJob.of(request, clip_options, steadiness, inputs)
    if alone:
        ((clip, target),) = targets.items()
        return _render(job, clip, target)
    return _render_all(job, targets)


def _targets(
    clips: Sequence[Path], out: str, options: ClipOptions, files: FileOptions
) -> tuple[dict[Path, Path], bool]:
    """Where each clip goes, and whether there is only one, to a place of its own."""
    from diffstyle.video.files.encoding import FRAMES, suffix_of

    suffix, folder = suffix_of(options.codec), Path(out) if out and Path(out) != PIPE else None
    found = found_clips(clips, recursive=files.recursive, out=folder)
    alone = len(found) == 1 and found[0].path == clips[0]
    if alone and options.codec != FRAMES:
        alone = not out.endswith("/") and not (folder is not None and folder.is_dir())
    if alone:
        clip = found[0].path
        if clip == PIPE and not out:
            raise InputError("A clip from standard input needs a name to go to: add -o.")
        return {clip: Path(out) if out else clip.with_name(f"{clip.stem}.styled{suffix}")}, True
    if folder is None:
        raise InputError("Several clips need a folder to go to: add -o FOLDER/.")
    return clip_targets(found, folder, suffix), False


def _render(job: ClipJob, clip: Path, target: Path) -> int:
    try:
        new = job.paint(clip, target)
    except KeyboardInterrupt:
        say(f"interrupted. {job.kept(clip, target)}")
        return 130
    if not new and not job.request.files.json_lines:
        say(f"{target} is there already, made by the same recipe.")
    if not job.request.files.json_lines and target != PIPE and sys.stdout.isatty():
        print(target)
    return 0


def _render_all(job: ClipJob, targets: dict[Path, Path]) -> int:
    failed: list[str] = []
    skipped = 0
    progress = Progress("clip", shown=not job.request.files.json_lines and not sys.stderr.isatty())
    for n, (clip, target) in enumerate(targets.items()):
        progress.update(n, len(targets), clip.name)
        try:
            skipped += not job.paint(clip, target)
        except KeyboardInterrupt:
            say(f"interrupted at {clip}. {job.kept(clip, target)}")
            return 130
        except BrokenPipeError:
            raise
        except Exception as error:  # one bad file never stops a folder
            failed.append(f"{clip}: {reason_of(error)}")
            job.say(content=str(clip), error=reason_of(error))
    done = len(targets) - skipped - len(failed)
    print(f"{done} painted, {skipped} already there, {len(failed)} failed.", file=sys.stderr)
    for line in failed:
        print(f"  {line}", file=sys.stderr)
    return 1 if failed else 0

"""What the command line paints any number of clips by."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from diffstyle.assets.style_spec import parse_style
from diffstyle.cli.asked import Asked, StyleOptions
from diffstyle.cli.clip_flicker import flicker
from diffstyle.cli.clip_options import ClipOptions
from diffstyle.cli.clip_targets import PIPE, SUFFIXES
from diffstyle.cli.job import Job, Request
from diffstyle.cli.progress import Progress, say
from diffstyle.core.errors import InputError
from diffstyle.core.fields import values_of
from diffstyle.core.settings import Settings
from diffstyle.core.style import Style
from diffstyle.formats.atomic import Inputs, check_apart, check_writable, write_atomic
from diffstyle.formats.picture_file import encode, output_format
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.clip import Clip
from diffstyle.video.files.frame_folder import RawFrames
from diffstyle.video.files.opening import open_clip
from diffstyle.video.files.raw_output import write_raw
from diffstyle.video.files.work_folder import WorkFolder, work_path
from diffstyle.video.keyframes import Keyframe, parse_keyframes
from diffstyle.video.painting import Painted
from diffstyle.video.render import ClipResult, render_clip
from diffstyle.video.settings import Steadiness

SMALL = 480  # pixels of the longest side of a thumbnail
OFTEN = 2.0  # seconds between two of them


@dataclass(frozen=True, slots=True)
class ClipJob:
    """A request with its styles read and its model loaded."""

    job: Job
    task: ClipTask
    options: ClipOptions
    inputs: Inputs

    @classmethod
    def of(cls, request: Request, options: ClipOptions, steadiness: Steadiness, inputs: Inputs) -> ClipJob:
        """Raises InputError for styles and models that cannot be used."""
        options.cut()  # mistakes are reported before the model is loaded
        options.output(depth=request.files.depth, recipe=True)
        if options.thumbnail is not None:
            output_format(options.thumbnail)
            check_writable(options.thumbnail, inputs)
        style, mask_clip = request.style, None
        keyframes, specs = _keyframes(options.keyframes, style)
        if style.mask is not None and (style.mask.is_dir() or style.mask.suffix.lower() in SUFFIXES):
            mask_clip = style.mask
            open_clip(mask_clip)
        asked = Asked.of(replace(style, style=specs, mask=None if mask_clip else style.mask))
        job = Job.of(request, asked)
        task = ClipTask(
            asked.style,
            engine=request.engine,
            negative_style=asked.negative_style,
            regions=asked.regions,
            keyframes=keyframes,
            mask=asked.mask,
            mask_clip=mask_clip,
            only=asked.only,
            without=asked.without,
            steadiness=steadiness,
            **values_of(request.settings, Settings),
        )
        return cls(job, task, options, inputs)

    @property
    def request(self) -> Request:
        return self.job.request

    def say(self, **values: object) -> None:
        """One line for machines."""
        self.job.say(**values)

    def paint(self, path: Path, target: Path) -> bool:
        """Paint a clip; whether there was anything to do."""
        started, files = time.perf_counter(), self.request.files
        if target != PIPE:
            check_apart(target, self.inputs)
        clip = self._opened(path)
        watched = Watched(self.options.thumbnail, Progress("frame", shown=not files.json_lines))
        try:
            if target == PIPE:
                result = self._to_pipe(clip, watched)
            else:
                result = render_clip(
                    clip,
                    self.task,
                    target,
                    stylizer=self.job.stylizer,
                    cut=self.options.cut(),
                    output=self.options.output(depth=files.depth, recipe=not files.no_recipe),
                    overwrite=files.overwrite,
                    on_frame=watched.update,
                )
        finally:
            watched.progress.close()
        if not files.json_lines:
            for note in result.notes:
                say(note)
        measured = self._measured(clip, target) if self.options.measure else {}
        if result.repeated:
            self.say(content=str(path), out=str(target), skipped=True, **measured)
            return False
        width, height = result.size
        self.say(
            content=str(path),
            out=str(target),
            width=width,
            height=height,
            frames=result.frames,
            resumed=result.resumed,
            seconds=round(time.perf_counter() - started, 3),
            seed=self.task.seed,
            **measured,
        )
        return True

    def _measured(self, clip: Clip, target: Path) -> dict[str, object]:
        """How much the result flickers, said and for machines."""
        found = flicker(self.job.stylizer, clip, target, self.task, self.options.cut())
        if not self.request.files.json_lines:
            near = [(name.replace("_", " "), errors[1]) for name, errors in found.items()]
            said = ", ".join(f"{name} {error:.5f}" for name, error in near if error is not None)
            say(f"warping error from frame to frame: {said or 'unknown, no two neighbours show the same'}")
        return {"warping_error": found}

    def kept(self, path: Path, target: Path) -> str:
        """A sentence on how an interrupted clip goes on."""
        frames = sum(len(part.times) for part in WorkFolder(work_path(target)).parts())
        if PIPE in (path, target):
            return "What comes from a pipe or goes to one begins anew."
        if not frames:
            return "No segment was whole yet: the same command begins anew."
        return f"{frames} frames are kept: the same command goes on from there."

    def _opened(self, path: Path) -> Clip:
        if path != PIPE:
            if self.options.raw:
                raise InputError(f"--raw describes frames from standard input, not {path}: leave it out, or give -.")
            return open_clip(path, rate=self.options.cut().rate)
        if self.options.measure:
            raise InputError("What comes from a pipe cannot be measured: leave --measure out.")
        if not self.options.raw:
            raise InputError("Frames from standard input have no header: add --raw WIDTHxHEIGHT@FPS.")
        return RawFrames.of(sys.stdin.buffer, self.options.raw)

    def _to_pipe(self, clip: Clip, watched: Watched) -> ClipResult:
        if self.request.files.json_lines:
            raise InputError("Frames and --json cannot both go to standard output: leave one of them out.")
        if self.options.measure:
            raise InputError("What goes to a pipe cannot be measured: leave --measure out.")
        if sys.stdout.isatty():
            raise InputError("Frames are no text for a terminal: send standard output to a file or a program.")
        return write_raw(clip, self.task, sys.stdout.buffer, self.job.stylizer, self.options.cut(), watched.update)


def _keyframes(text: str, options: StyleOptions) -> tuple[tuple[Keyframe, ...], list[str]]:
    """The keyframes, and the specs of the style that stands for all of them."""
    if not text:
        return (), list(options.style)
    if options.style:
        raise InputError("Give --style or --keyframes: keyframes are styles, too.")
    found: list[list[str]] = []

    def read(spec: str) -> Style:
        found.append(options.specs(spec))
        return parse_style(found[-1])

    return parse_keyframes(text, read), found[0]


@dataclass(slots=True)
class Watched:
    """What is shown of a clip while it is painted."""

    thumbnail: Path | None
    progress: Progress
    _first: tuple[float, int] | None = None
    _last: float = field(default=0.0)

    def update(self, painted: Painted) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now, painted.done
        self.progress.update(painted.done, painted.total, self._left(now, painted))
        if self.thumbnail is not None and (now - self._last >= OFTEN or painted.done == painted.total):
            self._last = now
            small = painted.picture.reduced(SMALL)
            data = encode(small, output_format(self.thumbnail), "")
            write_atomic(self.thumbnail, lambda file: file.write(data))

    def _left(self, now: float, painted: Painted) -> str:
        begun, first = self._first or (now, painted.done)
        if painted.total is None or painted.done <= first:
            return ""
        seconds = round((now - begun) / (painted.done - first) * max(0, painted.total - painted.done))
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{f'{hours}:' if hours else ''}{minutes:02}:{seconds:02} left"

"""Paints a clip: in segments, each kept as soon as it is whole, joined at the end."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import av

from diffstyle.core.errors import InputError, explain
from diffstyle.core.picture import Picture, fitted
from diffstyle.stylizer import Stylizer
from diffstyle.video.clip_recipe import ClipOutput, ClipRecipe, read_clip_recipe
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.clip import Clip, Shown
from diffstyle.video.files.encoding import CONTAINERS, FRAMES, Encoding, check_name, encoding_for
from diffstyle.video.files.opening import open_clip
from diffstyle.video.files.output import Target, check_out
from diffstyle.video.files.segment import EncodedSegment, FrameSegment
from diffstyle.video.files.timing import QUARTER, Cut, timed
from diffstyle.video.files.video_file import VideoFile
from diffstyle.video.files.work_folder import Part, WorkFolder
from diffstyle.video.frames import Frame
from diffstyle.video.painting import OnFrame, Painting

_LOST = Fraction(1, 2)  # of a second, which may be missing at the end where a clip counts its length by its sound


@dataclass(frozen=True, slots=True)
class ClipResult:
    """What came of a clip: the file or folder, its frames and their size, how many of them an earlier run had painted,
    and sentences on what was left out. `repeated` says that it was there already.
    """

    path: Path
    frames: int
    size: tuple[int, int]
    resumed: int = 0
    notes: tuple[str, ...] = ()
    repeated: bool = False


def render_clip(
    clip: Clip | str | Path,
    task: ClipTask,
    out: str | Path,
    *,
    stylizer: Stylizer | None = None,
    cut: Cut | None = None,
    output: ClipOutput | None = None,
    overwrite: bool = False,
    on_frame: OnFrame | None = None,
    stop: Callable[[], bool] | None = None,
) -> ClipResult:
    """Paint a clip and write it to `out`, whole or not at all.

    The kind of file follows from the suffix of `out`: .mp4, .mov, .mkv, .webm, .gif or .webp; with the codec "png" it
    is a folder of frames. Sound, subtitles, chapters and metadata are copied. What is painted is kept beside `out`
    until it is whole: the same call goes on where an earlier one was interrupted. `clip` is a file, a folder of
    numbered pictures, or a `Clip`.

    When `stop`, asked before every frame but the first, returns True, the clip ends there: what is painted is written,
    and its recipe ends there, too.

    Raises Cancelled when `on_frame` returns False, InputError for what cannot be read, painted or written, and if
    `out` exists, was not made like this, and may not be overwritten.
    """
    cut, output, out = cut or Cut(), output or ClipOutput(), Path(out)
    clip = open_clip(clip, rate=cut.rate) if isinstance(clip, (str, Path)) else clip
    run = _Run.of(clip, task, out, stylizer or Stylizer.load(), cut, output)
    if out.exists() and run.is_done():
        return ClipResult(out, 0, run.size, repeated=True)
    if out.exists() and not overwrite and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out} is there already and was not made like this: add --overwrite.")
    with WorkFolder.locked(out, run.digest()) as work:
        try:
            return run.render(work, on_frame, stop or (lambda: False))
        finally:
            if not clip.repeatable or not work.parts():
                work.remove()


@dataclass(frozen=True, slots=True)
class _Run:
    clip: Clip
    task: ClipTask
    out: Path
    stylizer: Stylizer
    cut: Cut
    output: ClipOutput
    kind: str
    encoding: Encoding
    recipe: ClipRecipe
    frames: Iterator[Shown]

    @classmethod
    def of(cls, clip: Clip, task: ClipTask, out: Path, stylizer: Stylizer, cut: Cut, output: ClipOutput) -> _Run:
        """Check all that can be checked before anything is painted."""
        kind = check_name(out, output.codec)
        check_out(out, kind, clip)
        frames = timed(clip.frames(cut.start), cut)
        first = next(frames, None)
        if first is None:
            raise InputError(f"{clip.source} shows no frame between the ends of the cut: choose other times.")
        frame = Frame(0, first.time, Picture(first.read().pixels))  # which may be wholly transparent
        recipe = ClipRecipe.of(stylizer, clip, frame, task, cut=cut, output=output)
        encoding = encoding_for(
            kind,
            output.codec,
            quality=output.quality,
            alpha=clip.info.alpha,
            depth=output.depth,
            quick=stylizer.engine(recipe.frame.engine).capabilities.interactive,
        )
        return cls(clip, task, out, stylizer, cut, output, kind, encoding, recipe, chain([first], frames))

    @property
    def size(self) -> tuple[int, int]:
        """Of the frames that are painted."""
        size = self.clip.info.size
        return size if self.task.size is None else fitted(size, self.task.size)

    def is_done(self) -> bool:
        """Whether the output is what would be painted now."""
        try:
            return self.clip.repeatable and read_clip_recipe(self.out).repeats(self.recipe)
        except InputError:
            return False

    def digest(self) -> str:
        """What tells this work from any other that would go to the same place."""
        text = f"{self.recipe.to_json()} {self.encoding} {av.library_versions}"
        return hashlib.sha256(text.encode()).hexdigest()

    def render(self, work: WorkFolder, on_frame: OnFrame | None, stop: Callable[[], bool]) -> ClipResult:
        """Paint what is missing, and write the whole."""
        stopped = False

        def until_stopped(frames: Iterable[Shown]) -> Iterator[Shown]:
            nonlocal stopped
            for n, shown in enumerate(frames):
                stopped = n > 0 and stop()
                if stopped:
                    return
                yield shown

        parts = work.parts()
        done = resumed = sum(len(p.times) for p in parts)
        total = total_of(self.clip, self.cut)
        painting = Painting.of(self.stylizer, self.task, self.cut, total=total, on_frame=on_frame, ahead=True)
        if parts:
            painting.painter.restore(work.state(len(parts) - 1))
        frames = until_stopped(islice(self.frames, done, None))
        try:
            while (first := next(frames, None)) is not None:
                chunk = chain([first], islice(frames, self.output.segment - 1))
                parts.append(self._segment(work, len(parts), done, painting, chunk))
                done += len(parts[-1].times)
        finally:
            painting.painter.close()  # whoever paints next must not meet a frame that is still in work
        cut = replace(self.cut, end=self.cut.start + parts[-1].end) if stopped else self.cut
        text = replace(self.recipe, cut=cut).to_json() if self.output.recipe else ""
        target = Target(out=self.out, kind=self.kind, clip=self.clip, cut=cut, quality=self.output.quality, text=text)
        notes = [*self._notes(parts[-1].end, cut), *painting.closing_notes(), *target.write(parts, work)]
        work.remove()
        return ClipResult(self.out, done, self.size, resumed, tuple(dict.fromkeys(notes)))

    def _segment(self, work: WorkFolder, number: int, done: int, painting: Painting, chunk: Iterable[Shown]) -> Part:
        times: list[Fraction] = []
        end = Fraction(0)

        def noted() -> Iterator[Shown]:
            nonlocal end
            for shown in chunk:
                times.append(shown.time)
                end = shown.time + shown.lasts
                yield shown

        pictures = painting.pictures(noted(), done)
        path = work.partial(number, "" if self.kind == FRAMES else ".mkv")
        try:
            segment = self._begun(path, done)
            try:
                for picture in pictures:
                    segment.write(picture)
                    del picture  # for its memory, while the next one is painted
            finally:
                segment.close()
        except OSError as error:
            raise explain(error, f"write {self.out}") from error
        return work.add(number, path, tuple(times), end, painting.painter.state())

    def _begun(self, path: Path, done: int) -> EncodedSegment | FrameSegment:
        if self.kind == FRAMES:
            return FrameSegment(path, done + 1, depth=self.output.depth)
        return EncodedSegment(path, self.encoding, self.cut.rate or self.clip.info.rate)

    def _notes(self, end: Fraction, cut: Cut) -> Iterator[str]:
        yield from self.clip.info.notes
        width, height = self.size
        form = av.VideoFormat(self.encoding.pixels, 64, 64)
        across, down = 64 // form.chroma_width(64), 64 // form.chroma_height(64)
        if self.kind in CONTAINERS.values() and (width % across or height % down):
            made = f"{width + -width % across}x{height + -height % down}"
            yield f"{self.out} is {made}, not {width}x{height}: its codec needs even sides, an edge is repeated once."
        if self.clip.info.alpha and not self.encoding.alpha:
            yield f"{self.clip.source} is transparent, which {self.encoding.codec} cannot be: it is shown on white."
        if isinstance(self.clip, VideoFile) and self.clip.damaged:
            yield f"{len(self.clip.damaged)} frames of {self.clip.source} are damaged: they are left out or faulty."
        duration = self.clip.info.duration
        if duration is not None and cut.end is None and cut.start + end < duration - _LOST:
            there = f"{float(cut.start + end):.1f} of {float(duration):.1f} seconds"
            yield f"{self.clip.source} is damaged or cut off: {there} of it could be read."


def total_of(clip: Clip, cut: Cut) -> int | None:
    """How many frames there are to be painted, as far as the clip says."""
    length = cut.lasting(clip.info.duration)
    if length is None or (cut == Cut() and clip.info.frames):
        return clip.info.frames
    if cut.rate is not None:
        return max(1, math.ceil(length * cut.rate - QUARTER))
    rate = clip.info.rate
    return max(1, math.ceil((cut.start + length) * rate) - math.floor(cut.start * rate))

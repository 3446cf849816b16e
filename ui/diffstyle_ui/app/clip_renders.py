"""Clips as the Video tab paints them: the first second at once, and the whole as a stream of updates."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from threading import Event
from urllib.parse import quote

from diffstyle import Cancelled, InputError, Settings, Style
from diffstyle.core.cancelling import cancellable
from diffstyle.core.errors import explain
from diffstyle.core.fields import values_of
from diffstyle.core.picture import fitted
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.base import Step
from diffstyle.engines.registry import engine_settings, interactive_engine
from diffstyle.serving.progress import Progress
from diffstyle.stylizer import Stylizer
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.timing import Cut
from diffstyle.video.painting import Painted
from diffstyle.video.render import ClipResult, render_clip
from diffstyle.video.settings import Steadiness
from diffstyle_ui.app.clip_copy import CopiedClip
from diffstyle_ui.app.clips import UploadedClip, named, within
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.histories import SavedResult
from diffstyle_ui.app.parts import style_title
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.widgets.clip_player import frame_html, player_html
from diffstyle_ui.widgets.html import THUMBNAIL, data_url, progress, status
from diffstyle_ui.widgets.settings_form import EVERYTHING, ONLY, RenderSettings

FIRST_SIDE, FIRST_RATE, FIRST_LENGTH = 320, Fraction(12), Fraction(1)
FIRST_SECONDS = 5.0  # after which it ends with what is painted
SHOWN_SIDE = 960
_FIRST = "first-second"  # begins the names of its files


@dataclass(frozen=True, slots=True)
class AskedClip:
    """What the tab asks for; `size` is the longest side, None for that of the clip, which is never enlarged."""

    upload: UploadedClip
    style: Style
    settings: RenderSettings
    cut: Cut
    steadiness: Steadiness
    size: int | None = None

    def task(self, engine: EngineSettings | None, size: int | None) -> ClipTask:
        """The task by an engine, None for the one that paints such styles; at most `size` pixels a side."""
        largest = max(self.upload.clip.info.size)
        shared = replace(self.settings.settings, size=None if size is None or size >= largest else size)
        if engine is not None and not engine.capabilities.structure:
            shared = replace(shared, structure=Settings().structure)
        only = None if self.settings.only == EVERYTHING else self.settings.only
        return ClipTask(self.style, engine=engine, only=only, steadiness=self.steadiness, **values_of(shared))


@dataclass(frozen=True, slots=True)
class ClipUpdate:
    """What to show: HTML for the player (None: unchanged) and the status line. The last one of a render has the clip
    that is `saved`, or the `error` to raise, or neither, if it was cancelled before the first frame was painted.
    """

    player: str | None
    status: str
    saved: SavedResult | None = None
    error: Exception | None = None


def first_second(context: AppContext, session: Session, asked: AskedClip) -> ClipUpdate:
    """The first second of what is asked for, small, by the interactive engine, or its own if that is as quick."""
    began = time.monotonic()
    own = context.renderer.settings_for(asked.settings.engine, [asked.style])
    quick = own if own.is_instant([asked.style.prompts]) else engine_settings(interactive_engine())
    small = asked.task(quick, FIRST_SIDE)
    context.limits.check_settings(fitted(asked.upload.clip.info.size, FIRST_SIDE), small)
    ends = [asked.cut.start + FIRST_LENGTH, *([] if asked.cut.end is None else [asked.cut.end])]
    cut = replace(asked.cut, end=min(ends), rate=min(FIRST_RATE, asked.upload.clip.info.rate))
    name = f"{_FIRST}-{secrets.token_hex(8)}"
    painted, copy = session.folder / f"{name}.mp4", session.folder / f"{name}-original.mp4"

    def paint(stylizer: Stylizer) -> ClipResult:
        def stop() -> bool:
            return time.monotonic() - began > FIRST_SECONDS

        began, part = time.monotonic(), replace(asked, cut=cut)
        return _painted(stylizer, part, small, painted, copy, most=float(FIRST_LENGTH), stop=stop)

    late = str(context.limits.too_slow())
    context.renderer.previews.run(lambda s: within(context.limits.max_seconds, lambda: paint(s), late))
    for old in session.folder.glob(f"{_FIRST}-*"):
        if not old.name.startswith(name):
            old.unlink(missing_ok=True)
    title = style_title(context, asked.style)
    line = f"The first second in {time.monotonic() - began:.1f} s, small, as {title}."
    player = player_html(url_of(copy), url_of(painted), badge="First second", description=title, again=True)
    return ClipUpdate(player, status(line, asked.upload.facts))


def clip_updates(context: AppContext, session: Session, asked: AskedClip, cancel: Event) -> Iterator[ClipUpdate]:
    """Paint what is asked for and save it in the history of `session`. When `cancel` is set, or the time is over that
    the limits allow, the clip ends with the frames painted so far.
    """
    task = asked.task(asked.settings.engine, asked.size)
    folder = session.folder / f"clip-{secrets.token_hex(8)}"
    run = _Run(context, session, asked, task, cancel, folder)
    yield ClipUpdate(None, progress(0, 0, what="Preparing"))
    try:
        for step in context.renderer.follow(run.paint):
            if isinstance(step, Progress):
                shown = None if step.picture is None else data_url(step.picture, longest=SHOWN_SIDE)
                left = _left(run.first, step)
                bar = progress(step.done, max(step.done, step.total), what="Frame", after=left)
                yield ClipUpdate(shown and frame_html(shown, "The last frame that is painted"), bar)
            else:
                yield step
    except Cancelled:
        yield ClipUpdate(None, status("Cancelled before the first frame was painted: nothing was saved."))
    except Exception as error:  # raised by the caller, after it has enabled the buttons again
        yield ClipUpdate(None, "", error=error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Run:
    """One render of a clip, on the thread of the renders."""

    def __init__(
        self, context: AppContext, session: Session, asked: AskedClip, task: ClipTask, cancel: Event, folder: Path
    ) -> None:
        self.context, self.session, self.asked, self.task = context, session, asked, task
        self.cancel, self.folder = cancel, folder
        self.began = self.first = 0.0  # when it began, and when the first frame was painted
        self.thumbnail = ""

    def paint(self, stylizer: Stylizer, on_step: Callable[[Step], bool | None]) -> ClipUpdate:
        limits = self.context.limits
        limits.check_settings(self.asked.upload.clip.info.size, self.task)
        self.began = time.monotonic()
        self.folder.mkdir(parents=True)
        painted, copy = self.folder / "painted.mp4", self.folder / "original.mp4"

        def stop() -> bool:
            return self.cancel.is_set() or self.late

        def on_frame(frame: Painted) -> bool | None:
            if not self.first:
                self.first = time.monotonic()
                self.thumbnail = data_url(frame.picture, longest=2 * THUMBNAIL)
            return on_step(Step(frame.done, frame.total or 0, lambda: frame.picture))

        with cancellable(lambda: not self.first and stop()):
            try:
                result = _painted(
                    stylizer,
                    self.asked,
                    self.task,
                    painted,
                    copy,
                    most=limits.max_clip_seconds,
                    on_frame=on_frame,
                    stop=stop,
                )
            except Cancelled:
                raise limits.too_slow() if self.late else Cancelled from None
        return self._saved(result, painted, copy)

    @property
    def late(self) -> bool:
        """Whether it takes longer than the limits allow."""
        return time.monotonic() - self.began > self.context.limits.max_seconds

    def _saved(self, result: ClipResult, painted: Path, copy: Path) -> ClipUpdate:
        asked, history = self.asked, self.session.history
        took = time.monotonic() - self.began
        title = style_title(self.context, asked.style)[:60]
        stem = re.sub(r"[^\w-]+", "-", f"{asked.upload.path.stem}-{asked.style.label}")[:60].strip("-")
        file, beside = history.next_file(stem, ".mp4"), history.next_file(f"{stem}-original", ".mp4")
        try:
            painted.replace(file)
            copy.replace(beside)
        except OSError as error:
            raise explain(error, "keep the clip") from error
        width, height = result.size
        engine = self.context.renderer.settings_for(asked.settings.engine, [asked.style])
        part = f", {ONLY[asked.settings.only].lower()} only" if asked.settings.only in ONLY else ""
        label = f"{title}{part} · {engine.title} · {result.frames} frames, {width}×{height}"
        number, size = history.count, file.stat().st_size
        saved = SavedResult(file, self.thumbnail, label, number, size, asked.settings.only, beside, moving=True)
        self.context.sessions.histories.add(history, saved)
        notes = [note.replace(str(painted), file.name) for note in result.notes if "even sides" not in note]
        return ClipUpdate(saved_player(saved), status(self._line(result.frames, took), *notes), saved)

    def _line(self, frames: int, took: float) -> str:
        if self.cancel.is_set():
            return f"Cancelled: the clip ends after the {frames} frames that were painted in {took:.0f} s."
        if self.late:
            most = self.context.limits.max_seconds
            return (
                f"The clip ends after {frames} frames: this server stops after {most} seconds. A smaller size, fewer"
                " painted frames or another engine gets further."
            )
        return f"Rendered {frames} frames in {took:.0f} s."


def saved_player(saved: SavedResult) -> str:
    """The player of a clip that is kept."""
    original = "" if saved.photo is None or not saved.photo.is_file() else url_of(saved.photo)
    return player_html(original, url_of(saved.file), badge="Final", description=saved.label, file=saved.file.name)


def url_of(file: Path) -> str:
    """Where the page finds a file of the session or of its history."""
    return f"gradio_api/file={quote(str(file))}"


def _painted(
    stylizer: Stylizer,
    asked: AskedClip,
    task: ClipTask,
    out: Path,
    copy: Path,
    *,
    most: float,
    on_frame: Callable[[Painted], bool | None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> ClipResult:
    """Paint a part of a clip to `out`, and write the same part, small, to `copy`."""
    path = asked.upload.path
    if not path.is_file():
        raise InputError("The clip has expired, because uploads are deleted after a few hours: add it again.")
    clip = CopiedClip(asked.upload.clip, copy, source=path.name, start=asked.cut.start, most=most)
    try:
        return named(
            path,
            lambda: render_clip(clip, task, out, stylizer=stylizer, cut=asked.cut, on_frame=on_frame, stop=stop),
        )
    finally:
        clip.close()


def _left(first: float, step: Progress) -> str:
    """About how long the frames that are left will take, for a progress bar."""
    if step.done < 2 or step.total <= step.done or not first:
        return ""
    seconds = (time.monotonic() - first) / (step.done - 1) * (step.total - step.done)
    minutes, seconds = divmod(round(seconds), 60)
    return f", {minutes}:{seconds:02} left"

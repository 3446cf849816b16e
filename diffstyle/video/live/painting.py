"""Paints what a camera shows, as it shows it: late frames are dropped, never queued."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from threading import Thread
from typing import Protocol

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.engines.registry import engine_names, interactive_engine, settings_class
from diffstyle.stylizer import Stylizer
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.clip import Shown
from diffstyle.video.files.timing import Cut
from diffstyle.video.live.cameras import Camera
from diffstyle.video.live.latest import Latest
from diffstyle.video.painting import Painting

_POLL = 0.1  # seconds between two looks whether to stop


class LiveOutput(Protocol):
    """Where painted frames go."""

    def write(self, picture: Picture, seconds: float) -> None:
        """Take a frame, painted from what the camera showed `seconds` after the first one."""
        ...

    def close(self) -> None:
        """No more frames come."""
        ...


@dataclass(slots=True)
class LiveReport:
    """What came of a camera: frames that were painted, with the seconds from a frame's coming to its going out, those
    that were dropped, and the seconds from the first to the last. `unread` says that the reader of a pipe has gone.
    """

    latencies: list[float] = field(default_factory=list[float])
    dropped: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    unread: bool = False

    @property
    def painted(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Frames a second that were painted."""
        return self.painted / self.seconds if self.seconds else 0.0

    @property
    def latency(self) -> float:
        """The median, in seconds."""
        return median(self.latencies) if self.latencies else 0.0


def check_interactive(name: str) -> None:
    """InputError if the engine of that name is not quick enough for a camera."""
    if not settings_class(name).capabilities.interactive:
        able = [n for n in engine_names() if settings_class(n).capabilities.interactive]
        raise InputError(f"The engine {name} is too slow for a camera: choose {' or '.join(able)}.")


def paint_live(
    camera: Camera,
    task: ClipTask,
    outputs: Sequence[LiveOutput],
    *,
    stylizer: Stylizer | None = None,
    seconds: float | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> LiveReport:
    """Paint a camera's frames to all `outputs`, until it ends, `stop` returns True, `seconds` are over or the reader of
    a pipe has gone.

    A frame that comes while another is painted waits in one slot, where the next one replaces it: no frame is older
    than the painting of one. The outputs are closed at the end, whatever ends it. Raises InputError for an engine that
    is not interactive, for `every` above 1, which waits for frames to come, and for what camera and outputs refuse.
    """
    if task.steadiness.every != 1:
        raise InputError("A camera cannot wait for later frames: leave every at 1.")
    stylizer = stylizer or Stylizer.load()
    check_interactive(stylizer.engine_settings(task.engine or interactive_engine()).name)
    run = _Run(Latest(), LiveReport(), stop, seconds)
    painting = Painting.of(stylizer, task, Cut())
    try:
        Thread(target=run.watch, args=(camera,), name="camera", daemon=True).start()
        for picture in painting.pictures(run.taken(), 0):
            for output in outputs:
                output.write(picture, run.shown_at - run.first)
            run.report.latencies.append(time.monotonic() - run.shown_at)
            run.report.seconds = time.monotonic() - run.first
    except BrokenPipeError:
        run.report.unread = True  # whoever read the frames has enough
    finally:
        run.ended = True
        for output in outputs:
            output.close()
    run.report.dropped = run.slot.dropped
    run.report.notes = (*camera.info.notes, *painting.closing_notes())
    return run.report


@dataclass(slots=True)
class _Run:
    """A run, with the times when it began, of the first frame and of the one painted now, by the monotonic clock."""

    slot: Latest[tuple[float, Shown]]
    report: LiveReport
    stop: Callable[[], bool]
    seconds: float | None
    began: float = field(default_factory=time.monotonic)
    first: float = 0.0
    shown_at: float = 0.0
    ended: bool = False

    def watch(self, camera: Camera) -> None:
        """Put the camera's frames into the slot, in a thread of their own."""
        error: Exception | None = None
        try:
            for shown in camera.frames():
                if self.ended:
                    return
                self.slot.put((time.monotonic(), shown))
        except Exception as caught:  # raised where frames are taken
            error = caught
        finally:
            self.slot.close(error)

    def taken(self) -> Iterator[Shown]:
        """The newest frames, until the end."""
        while not self.stop():
            try:
                found = self.slot.take(_POLL)
            except EOFError:
                return
            now = time.monotonic()
            if self.seconds is not None and now - (self.first or self.began) >= self.seconds:
                return
            if found is not None:
                self.shown_at, shown = found
                self.first = self.first or self.shown_at
                yield shown

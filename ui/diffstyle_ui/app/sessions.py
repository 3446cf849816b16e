"""What each visitor has on the table; nobody sees another's, and closing the page clears it."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock

import gradio as gr

from diffstyle import Picture, Style
from diffstyle.core.mask import Mask

IDLE_SECONDS = 3 * 3600
MAX_SESSIONS = 500


@dataclass(frozen=True, slots=True)
class Part:
    """One style of a blend: measured, so that it needs no picture, with a small picture of it as a data URL."""

    label: str
    style: Style
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A result: its PNG with the recipe inside, a small picture of it, and a line on how it was made."""

    file: Path
    thumbnail: str
    label: str


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo at the size of previews, and as the data URL that the page shows; `path` is the whole one, of `full`
    (width, height).
    """

    path: Path
    full: tuple[int, int]
    small: Picture
    shown: str


@dataclass(slots=True)
class Session:
    """One open page: `easel` is the photo that `mask` was painted on, None while one from a saved picture waits for its
    photo; `saved` is the style that such a picture has where its mask is.
    """

    folder: Path
    photo: Photo | None = None
    parts: tuple[Part, ...] = ()
    kept: tuple[Kept, ...] = ()
    made: int = 0
    handed: tuple[Path, ...] = ()
    easel: Path | None = None
    mask: Mask | None = None
    saved: Style | None = None
    cancel: Event = field(default_factory=Event)
    stop_training: Event = field(default_factory=Event)
    _rendering: Event | None = None
    used: float = field(default_factory=time.monotonic)

    @contextmanager
    def training(self) -> Generator[Event, None, None]:
        """While it trains: what stops that. A training that still runs is told to stop."""
        self.stop_training.set()
        self.stop_training = Event()
        yield self.stop_training

    @property
    def busy(self) -> bool:
        """Whether it renders now: what it shows then is the render."""
        return self._rendering is not None

    @contextmanager
    def rendering(self) -> Generator[Event, None, None]:
        """While it renders: what cancels that. A render that still runs is told to stop."""
        self.cancel.set()
        own = self.cancel = self._rendering = Event()
        try:
            yield own
        finally:
            if self._rendering is own:
                self._rendering = None


class Sessions:
    """Sessions by the page's own random name, in folders below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sessions: dict[str, Session] = {}
        self._lock = Lock()

    def of(self, request: gr.Request) -> Session:
        """The session of the page that asks."""
        name = request.session_hash or ""
        with self._lock:
            if name not in self._sessions:
                self._forget_idle()
                folder = self.folder / secrets.token_hex(16)
                folder.mkdir(parents=True)
                self._sessions[name] = Session(folder)
            session = self._sessions[name]
            session.used = time.monotonic()
            return session

    def drop(self, request: gr.Request) -> None:
        """Forget the session of a page that was closed, stop what it had asked for, and delete its files."""
        with self._lock:
            if (session := self._sessions.pop(request.session_hash or "", None)) is not None:
                _clear(session)

    def __len__(self) -> int:
        return len(self._sessions)

    def _forget_idle(self) -> None:
        """Those unused for hours, and the oldest if there are too many."""
        by_age = sorted(self._sessions, key=lambda name: self._sessions[name].used)
        old = [n for n in by_age if time.monotonic() - self._sessions[n].used > IDLE_SECONDS]
        crowd = by_age[: max(0, len(by_age) - MAX_SESSIONS + 1)]
        for name in {*old, *crowd}:
            _clear(self._sessions.pop(name))


def _clear(session: Session) -> None:
    session.cancel.set()
    session.stop_training.set()
    shutil.rmtree(session.folder, ignore_errors=True)

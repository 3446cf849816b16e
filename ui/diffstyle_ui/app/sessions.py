"""The state of each open page. No page sees another's, and closing a page deletes its state and files."""

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

from diffstyle import InputError, Picture, Style
from diffstyle.core.mask import Mask
from diffstyle_ui.widgets.style_rows import StylePart

IDLE_SECONDS = 3 * 3600
MAX_SESSIONS = 500


@dataclass(frozen=True, slots=True)
class SavedResult:
    """A result: its PNG with the recipe inside, a thumbnail as a data URL, and a label that says how it was made."""

    file: Path
    thumbnail: str
    label: str


@dataclass(frozen=True, slots=True)
class Photo:
    """An uploaded photo: its file, its full size (width, height), and the small version that previews use, as a
    picture and as a data URL.
    """

    path: Path
    full_size: tuple[int, int]
    small: Picture
    url: str


@dataclass(slots=True)
class Session:
    """One open page.

    `mask` was painted on the photo `mask_photo`, which is None while a mask from a saved picture waits for its photo.
    `masked_style` is the style that such a picture has inside its mask. `previews` are files made for API clients.
    """

    folder: Path
    photo: Photo | None = None
    parts: tuple[StylePart, ...] = ()
    results: tuple[SavedResult, ...] = ()
    result_count: int = 0
    previews: tuple[Path, ...] = ()
    preview_count: int = 0
    mask_photo: Path | None = None
    mask: Mask | None = None
    masked_style: Style | None = None
    cancel: Event = field(default_factory=Event)
    stop_training: Event = field(default_factory=Event)
    last_used: float = field(default_factory=time.monotonic)
    _rendering: Event | None = None

    @property
    def rendering_now(self) -> bool:
        """Whether a render runs; the page then shows its steps, and no previews."""
        return self._rendering is not None

    def result(self, n: int) -> SavedResult:
        """The result with index `n`; InputError if there is none."""
        if not 0 <= n < len(self.results):
            raise InputError("That picture is no longer available: choose another one.")
        return self.results[n]

    @contextmanager
    def rendering(self) -> Generator[Event, None, None]:
        """While a render runs: the event that cancels it. A render that already runs is cancelled."""
        self.cancel.set()
        own = self.cancel = self._rendering = Event()
        try:
            yield own
        finally:
            if self._rendering is own:
                self._rendering = None

    @contextmanager
    def training(self) -> Generator[Event, None, None]:
        """While a training runs: the event that stops it. A training that already runs is stopped."""
        self.stop_training.set()
        self.stop_training = Event()
        yield self.stop_training

    def close(self) -> None:
        """Cancel what runs and delete the files."""
        self.cancel.set()
        self.stop_training.set()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sessions:
    """All sessions, by the random name that Gradio gives each page; their files lie in folders below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sessions: dict[str, Session] = {}
        self._lock = Lock()

    def of(self, request: gr.Request) -> Session:
        """The session of the page that sent `request`; a new one if it has none."""
        name = request.session_hash or ""
        with self._lock:
            if name not in self._sessions:
                self._close_idle()
                folder = self.folder / secrets.token_hex(16)
                folder.mkdir(parents=True)
                self._sessions[name] = Session(folder)
            session = self._sessions[name]
            session.last_used = time.monotonic()
            return session

    def drop(self, request: gr.Request) -> None:
        """Close the session of a page that was closed."""
        with self._lock:
            if (session := self._sessions.pop(request.session_hash or "", None)) is not None:
                session.close()

    def __len__(self) -> int:
        return len(self._sessions)

    def _close_idle(self) -> None:
        """Close sessions that are idle for `IDLE_SECONDS`, and the oldest ones beyond `MAX_SESSIONS`."""
        by_age = sorted(self._sessions, key=lambda name: self._sessions[name].last_used)
        idle = [n for n in by_age if time.monotonic() - self._sessions[n].last_used > IDLE_SECONDS]
        excess = by_age[: max(0, len(by_age) - MAX_SESSIONS + 1)]
        for name in {*idle, *excess}:
            self._sessions.pop(name).close()

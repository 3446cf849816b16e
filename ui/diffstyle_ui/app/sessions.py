"""The state of each open page. No visitor sees another's, and closing a page deletes its state, but for its results."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Lock
from typing import Any, cast

import gradio as gr

from diffstyle import InputError, Picture, Result, Style
from diffstyle_ui.app.arrival import NEVER
from diffstyle_ui.app.balance import Balance
from diffstyle_ui.app.clips import UploadedClip
from diffstyle_ui.app.histories import Histories, History, SavedResult
from diffstyle_ui.app.thumbnails import Thumbnails
from diffstyle_ui.app.uploads import Uploads
from diffstyle_ui.app.visitors import Visitors
from diffstyle_ui.widgets.mask_editor import Painting
from diffstyle_ui.widgets.style_rows import StylePart

IDLE_SECONDS = 3 * 3600
MAX_SESSIONS, MAX_PER_CLIENT, MAX_ANONYMOUS = 500, 60, 8
ANONYMOUS = "~"  # what the names of sessions without a page begin with


@dataclass(frozen=True, slots=True)
class Photo:
    """An uploaded photo: its file, its full size (width, height), and the small version that previews use, as a
    picture and as a data URL.
    """

    path: Path
    full_size: tuple[int, int]
    small: Picture
    url: str


def shown_key(photo: Photo, style: Style, settings: object) -> tuple[Any, ...]:
    """What `Session.shown` is for a picture of `photo` in `style`, painted with `settings`."""
    return photo.path, style, settings


@dataclass(slots=True)
class Session:
    """One open page.

    `painting` is the latest of the Paint tab, `painted_with` the styles and settings of its preview, `restored` how
    many came from saved pictures; `saved_styles` are those of the regions of the last one. `reopens` is whether the
    page is to show the last result of an earlier one. `previews` are files made for API clients; `drafted` is the last
    preview if it is a draft of the render already. `shown` is what the frame was last painted from, and
    `shown_elsewhere` what other widgets were, by name; `draft_count` is the count of previews at the last draft.
    `mix_count` counts the previews of the Blend tab, and `drafted_mix` is that count at its last draft; `strip_drafted`
    is whether the steps of its path are drafts.
    `balance` is the search for settings that is open on the page.
    `uploaded` is the last photo that the visitor added, `photo` the one in use, `clip` that of the Video tab. `owner`
    is whose uploads it may read, and `history` has its results.
    `to_teach` are the styles of a student whose training waits or runs, `taught` is the last one's name and styles.
    The page opens with `first_parts`. `final_count` and `final_at` are the count of previews and the time when the
    last render ended: what was asked for before must not take its place.
    """

    folder: Path
    owner: str
    uploads: Uploads
    first_parts: tuple[StylePart, ...] = ()
    history: History = field(init=False)
    photo: Photo | None = None
    uploaded: Photo | None = None
    clip: UploadedClip | None = None
    parts: tuple[StylePart, ...] = ()
    previews: tuple[Path, ...] = ()
    preview_count: int = 0
    drafted: Result | None = None
    draft_count: int = 0  # nothing to draft before the first preview
    shown: tuple[Any, ...] = ()
    mix_count: int = 0
    drafted_mix: int = 0
    strip_drafted: bool = False
    shown_elsewhere: dict[str, tuple[Any, ...]] = field(default_factory=dict[str, tuple[Any, ...]])
    balance: Balance | None = None
    painting: Painting = field(default_factory=Painting)
    painted_with: tuple[Any, ...] = ()
    to_teach: tuple[StylePart, ...] = ()
    taught: tuple[str, tuple[StylePart, ...]] | None = None
    restored: int = 0
    reopens: bool = False
    saved_styles: tuple[Style, ...] = ()
    thumbnails: Thumbnails = field(default_factory=Thumbnails)
    cancel: Event = field(default_factory=Event)
    stop_training: Event = field(default_factory=Event)
    last_used: float = field(default_factory=time.monotonic)
    final_count: int = -1
    final_at: float = -NEVER
    _rendering: Event | None = None
    _training: Event | None = None
    _cancelled_at: float = -NEVER
    _stopped_at: float = -NEVER

    def __post_init__(self) -> None:
        self.parts = self.parts or self.first_parts
        self.history = History(self.folder, self.owner)

    @property
    def results(self) -> tuple[SavedResult, ...]:
        """The pictures among its results, the oldest first."""
        return tuple(result for result in self.history.results if not result.moving)

    @property
    def clips(self) -> tuple[SavedResult, ...]:
        """The clips among its results, the oldest first."""
        return tuple(result for result in self.history.results if result.moving)

    @property
    def rendering_now(self) -> bool:
        """Whether a render runs; the page then shows its steps, and no previews."""
        return self._rendering is not None

    def is_late(self, arrived: float) -> bool:
        """Whether a preview whose request `arrived` then would hide a render, one that runs or one that ended since."""
        return self.rendering_now or arrived < self.final_at

    def news(self, widget: str, *values: Any) -> bool:
        """Whether `widget` shows something else than these values. Gradio's dropdowns report an input each time they
        are closed.
        """
        known, self.shown_elsewhere[widget] = self.shown_elsewhere.get(widget), values
        return known != values

    def shows(self, widget: str, *values: Any) -> bool:
        """Whether `widget` shows these values."""
        return self.shown_elsewhere.get(widget) == values

    @property
    def empty(self) -> bool:
        """Whether it holds no work that its visitor would miss."""
        kept = (self.photo, self.clip, self._rendering, self._training, self.taught, self.balance)
        changed = self.parts != self.first_parts
        losing = self.history.results and not self.history.kept
        works = (changed, losing, self.previews, self.painting.layers, self.to_teach)
        return not (any(works) or any(k is not None for k in kept))

    def may_read(self, path: Path) -> bool:
        """Whether `path`, links followed, is a file that its owner uploaded, or one of its own."""
        own = (self.folder.resolve(), self.history.folder.resolve())
        return any(path.is_relative_to(folder) for folder in own) or self.uploads.owns(self.owner, path)

    def result(self, n: int, *, moving: bool = False) -> SavedResult:
        """The picture, or the clip if it is `moving`, with the number `n`; InputError if there is none."""
        found = next((r for r in self.history.results if (r.number, r.moving) == (n, moving)), None)
        if found is None or not found.file.is_file():
            raise InputError("That result is no longer available: choose another one.")
        return found

    @contextmanager
    def rendering(self, arrived: float = NEVER) -> Generator[Event, None, None]:
        """From the reading of the photo to the saved file: the event that cancels a render, which is set already if
        somebody cancelled since the request `arrived`. A render that already runs is cancelled.
        """
        self.cancel.set()
        own = self.cancel = self._rendering = Event()
        if self._cancelled_at >= arrived:
            own.set()
        try:
            yield own
        finally:
            if self._rendering is own:
                self._rendering = None
                self.final_count, self.final_at = self.preview_count, time.monotonic()

    @contextmanager
    def training(self, arrived: float = NEVER) -> Generator[Event, None, None]:
        """While a training runs: the event that stops it, set already as in `rendering`. A training that already runs
        is stopped.
        """
        self.stop_training.set()
        own = self.stop_training = self._training = Event()
        if self._stopped_at >= arrived:
            own.set()
        try:
            yield own
        finally:
            if self._training is own:
                self._training = None

    def cancel_renders(self, arrived: float) -> None:
        """Cancel the render that runs, and those whose requests came before `arrived`."""
        self._cancelled_at = max(self._cancelled_at, arrived)
        self.cancel.set()

    def stop_trainings(self, arrived: float) -> None:
        """Stop the training that runs, and those whose requests came before `arrived`."""
        self._stopped_at = max(self._stopped_at, arrived)
        self.stop_training.set()

    def end_balance(self) -> None:
        """Close the search for settings, if one is open; its renders end."""
        if self.balance is not None:
            self.balance.cancel.set()
        self.balance = None

    def close(self) -> None:
        """Cancel what runs and delete the files."""
        self.cancel.set()
        self.end_balance()
        self.stop_training.set()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Client:
    """Who sends a request: `owner`, a visitor or an address, to whom uploads belong; the `address`; and the name that
    the page gave itself, "" if it gave none.
    """

    owner: str
    address: str
    page: str


class Sessions:
    """All sessions; their files lie in folders below `folder`, under names that nobody can guess.

    A session belongs to the owner of its page, so that nobody reaches it by the page's name alone. It ends when its
    page is closed, or when it is idle for `IDLE_SECONDS`; others never end it. Beyond `MAX_PER_CLIENT` sessions of one
    address, or `MAX_SESSIONS` of all, the oldest without work end, and if there is none, new ones are refused.
    """

    def __init__(
        self, folder: Path, *, visitors: Visitors, uploads: Uploads, first_parts: tuple[StylePart, ...] = ()
    ) -> None:
        """Every session begins with `first_parts`, which may be set later."""
        self.folder, self.visitors, self.uploads, self.first_parts = folder, visitors, uploads, first_parts
        self.histories = Histories(folder, uploads.limits)
        self._sessions: dict[Client, Session] = {}
        self._lock = Lock()

    def of(self, request: gr.Request) -> Session:
        """The session of the page that sent `request`, a new one if it has none; one of its own for a request without
        a page. InputError if there are too many.
        """
        client = self.client_of(request)
        with self._lock:
            if client not in self._sessions:
                self._make_room(client)
                folder = self.folder / secrets.token_hex(16)
                folder.mkdir(parents=True)
                own = client if client.page else replace(client, page=f"{ANONYMOUS}{secrets.token_hex(8)}")
                self._sessions[own] = session = Session(folder, client.owner, self.uploads, self.first_parts)
                session.history = self.histories.open(client.owner, client.address)
                return session
            session = self._sessions[client]
            session.last_used = session.history.last_used = time.monotonic()
            return session

    def resume(self, request: gr.Request, key: object) -> str:
        """Give the page that sent `request` the results which its browser knows by `key`, if they are still there and
        its own. The key to keep: "" for a browser without the cookie, whose results nothing tells from another's.
        """
        session, owner = self.of(request), self.client_of(request).owner
        if not self.visitors.is_visitor(owner):
            return ""
        with self._lock:
            if key != session.history.key and not session.history.results:
                found = self.histories.resume(key, owner)
                if found is not None:
                    self.histories.leave(session.history)
                    session.history = found
            session.history.kept = True
            return session.history.key

    def client_of(self, request: gr.Request) -> Client:
        """Who sent `request`."""
        http = getattr(request, "request", None)
        address = str(getattr(getattr(http, "client", None), "host", "") or "unknown")
        cookies = cast("Mapping[str, str]", getattr(http, "cookies", None) or {})
        return Client(self.visitors.owner(cookies, address), address, (request.session_hash or "").lstrip(ANONYMOUS))

    def drop(self, request: gr.Request) -> None:
        """Close the session of a page that was closed. Its results stay for a while, if its browser knows their key."""
        with self._lock:
            if (client := self.client_of(request)) in self._sessions:
                self._close([client])

    def owns(self, owner: str, path: Path) -> bool:
        """Whether `path`, links followed, is a file in the folder of a session, or a result, of `owner`."""
        with self._lock:
            folders = [s.folder.resolve() for s in self._sessions.values() if s.owner == owner]
        return any(path.is_relative_to(folder) for folder in folders) or self.histories.owns(owner, path)

    def __len__(self) -> int:
        return len(self._sessions)

    def _make_room(self, client: Client) -> None:
        """Close what is idle; then what has no work, where there are too many; then refuse."""
        now = time.monotonic()
        self._close([c for c, s in self._sessions.items() if now - s.last_used > IDLE_SECONDS])
        nameless = [c for c in self._sessions if c.page.startswith(ANONYMOUS) and c.address == client.address]
        self._close(nameless[: len(nameless) - MAX_ANONYMOUS + 1] if len(nameless) >= MAX_ANONYMOUS else [])
        for limit, address in ((MAX_PER_CLIENT, client.address), (MAX_SESSIONS, None)):
            among = [c for c in self._sessions if address in (None, c.address)]
            excess = len(among) - limit + 1
            if excess <= 0:
                continue
            empty = sorted((c for c in among if self._sessions[c].empty), key=lambda c: self._sessions[c].last_used)
            self._close(empty[:excess])
            if len(empty) < excess:
                raise InputError("There are too many open pages: close some, or try again later.")

    def _close(self, clients: list[Client]) -> None:
        for client in clients:
            session = self._sessions.pop(client)
            session.close()
            self.histories.leave(session.history)

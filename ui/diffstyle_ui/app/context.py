"""What all tabs and API endpoints share: models, sessions, limits, named styles."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import gradio as gr
from gradio import routes

from diffstyle import Picture, Style, StyleSpace, Task
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import fitted
from diffstyle.serving.folders import own_folder
from diffstyle.serving.renderer import PREVIEW_SIDE, Renderer
from diffstyle.serving.uploaded_files import open_picture
from diffstyle_ui.app.arrival import arrival
from diffstyle_ui.app.example_pairs import example_pairs
from diffstyle_ui.app.histories import SWEEP_SECONDS
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.sessions import Photo, Session, Sessions
from diffstyle_ui.app.thumbnails import SIDE, Thumbnails
from diffstyle_ui.app.uploads import Uploads, upload_path
from diffstyle_ui.app.visitors import Visitors
from diffstyle_ui.app.waiting import Waiting
from diffstyle_ui.widgets.html import data_url

PREFIX = "diffstyle-ui-"  # of the temporary folder
TEMPORARY = "GRADIO_TEMP_DIR"  # Gradio keeps uploads here, and serves no file from elsewhere


@dataclass(frozen=True)
class AppContext:
    """The loaded models, the sessions, the limits, the CSV file of blind votes, and the requests that wait."""

    renderer: Renderer
    sessions: Sessions
    limits: Limits
    votes: Path
    waiting: Waiting

    @cached_property
    def space(self) -> StyleSpace:
        """The named styles."""
        return StyleSpace.presets()

    @cached_property
    def examples(self) -> tuple[Photo, ...]:
        """The photos that the page offers."""
        return tuple(self.read_photo(pair.photo) for pair in example_pairs())

    @property
    def example(self) -> Photo:
        """The photo that the page opens with."""
        return self.examples[0]

    def session(self, request: gr.Request) -> Session:
        """The session of the page that sent `request`."""
        return self.sessions.of(request)

    def cancel_renders(self, request: gr.Request) -> None:
        """Cancel the renders of the page that sent `request`: the one that runs, and those that wait."""
        self.session(request).cancel_renders(arrival(request))
        self.waiting.withdraw(request, "render")

    def stop_trainings(self, request: gr.Request) -> None:
        """Stop the trainings of the page that sent `request`: the one that runs, and those that wait."""
        self.session(request).stop_trainings(arrival(request))
        self.waiting.withdraw(request, "train")

    def photo(self, session: Session, payload: Mapping[str, Any] | None) -> Photo:
        """The photo of an upload. It is decoded once, while the session's photo stays the same."""
        path = upload_path(session, payload)
        if session.photo is None or session.photo.path != path:
            session.photo = session.uploaded = self.read_behind(path)
        return session.photo

    def photo_or_example(self, session: Session) -> Photo:
        """The session's photo, or the example while there is none."""
        return session.photo or self.example

    def photo_of(self, session: Session, payload: Mapping[str, Any] | None) -> Photo:
        """The photo of an upload, or without one what the session has, or the example."""
        return self.photo(session, payload) if payload else self.photo_or_example(session)

    def thumbnail(self, session: Session, style: Style, name: str, *, side: int = SIDE) -> str:
        """The session's photo, or the example, painted small in `style`, called `name`, as a data URL."""
        photo = self.photo_or_example(session)
        small = photo.small.resized(fitted(photo.small.size, side))
        paint = partial(self.renderer.preview, Task(small, style))
        return str(self.thumbnails_of(session).painted(photo.path, name, side, lambda: paint().picture))

    def thumbnails_of(self, session: Session) -> Thumbnails:
        """Those of the session's own photo; those of the examples are shared."""
        own = session.photo is not None and session.photo not in self.examples
        return session.thumbnails if own else self._example_thumbnails

    @cached_property
    def _example_thumbnails(self) -> Thumbnails:
        return Thumbnails()

    def read_behind(self, path: Path) -> Photo:
        """`read_photo` behind the gate."""
        return self.renderer.pictures.run(lambda: self.read_photo(path))

    def read_photo(self, path: Path) -> Photo:
        """Decode a photo and make its small version; for use behind a gate, once the server runs."""
        full = open_picture(path, self.limits)
        small = full if max(full.size) <= PREVIEW_SIDE else full.resized(fitted(full.size, PREVIEW_SIDE))
        return Photo(path, full.size, small, data_url(small))

    def full_picture(self, photo: Photo) -> Picture:
        """The photo in full size; for use behind a gate."""
        return open_picture(photo.path, self.limits)

    def hint(self, style: Style) -> str | None:
        """A sentence about words that the style encoder hardly knows, or None."""
        return self.space.hint(style) if self.space.space in style.spaces else None


@contextmanager
def open_context(options: ModelOptions, limits: Limits, votes: Path) -> Generator[AppContext, None, None]:
    """A context whose files all lie in one temporary folder, which is deleted at the end."""
    with own_folder(PREFIX) as folder, _environment(TEMPORARY, str(folder)):
        setattr(routes, "DEFAULT_TEMP_DIR", str(folder))  # noqa: B010 - Gradio has read the variable already
        renderer = Renderer(options, limits)
        sessions = Sessions(folder / "sessions", visitors=Visitors(), uploads=Uploads(folder, limits))
        try:
            with _repeating(SWEEP_SECONDS, sessions.histories.sweep):
                yield AppContext(renderer, sessions, limits, votes, Waiting(limits.queue_size))
        finally:
            renderer.close()


@contextmanager
def _repeating(seconds: float, action: Callable[[], None]) -> Generator[None, None, None]:
    """Call `action` every so many `seconds`, in a thread of its own."""
    stop = Event()

    def repeat() -> None:
        while not stop.wait(seconds):
            action()

    thread = Thread(target=repeat, name="sweep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def _environment(name: str, value: str) -> Generator[None, None, None]:
    """An environment variable for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before

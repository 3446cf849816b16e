"""What every tab works with."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import gradio as gr

from diffstyle import Picture, Style, StyleSpace
from diffstyle.assets.zoo import example_photo
from diffstyle.controls.resize import fitted
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.renderer import PREVIEW_SIDE, Studio
from diffstyle_ui.app.sessions import Photo, Session, Sessions
from diffstyle_ui.app.uploads import opened, uploaded
from diffstyle_ui.widgets.html import data_url


@dataclass(frozen=True)
class Desk:
    """The painters, the visitors, what they may ask, and where votes are written."""

    studio: Studio
    sessions: Sessions
    limits: Limits
    votes: Path

    @cached_property
    def space(self) -> StyleSpace:
        return StyleSpace.presets()

    def session(self, request: gr.Request) -> Session:
        return self.sessions.of(request)

    def photo(self, session: Session, payload: Mapping[str, Any] | None) -> Photo:
        """The photo of an upload, decoded once for as long as it is the same."""
        path = uploaded(payload)
        if session.photo is None or session.photo.path != path:
            session.photo = self.read(path)
        return session.photo

    def read(self, path: Path) -> Photo:
        whole = opened(path, self.limits)
        small = whole if max(whole.size) <= PREVIEW_SIDE else whole.resized(fitted(whole.size, PREVIEW_SIDE))
        return Photo(path, whole.size, small, data_url(small))

    def whole(self, photo: Photo) -> Picture:
        """The photo at its own size."""
        return opened(photo.path, self.limits)

    def hint(self, style: Style) -> str | None:
        """A sentence for words that are hardly known."""
        return self.space.hint(style) if self.space.space in style.spaces else None

    def example_for(self, session: Session) -> Path:
        """The photo that comes with diffstyle, copied to where the page may read it."""
        return Path(shutil.copy(example_photo(), session.folder / "cat.jpg"))

    def photo_or_example(self, session: Session) -> Photo:
        """The photo on the table; the one that comes with diffstyle where there is none."""
        return session.photo or self.example

    @cached_property
    def example(self) -> Photo:
        return self.read(example_photo())

"""The style mix of the first tab: what picks, adds, describes and removes styles, and what the wall asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from diffstyle import InputError
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.facts import edited_words, facts_of
from diffstyle_ui.app.parts import (
    add_part,
    part_from_upload,
    part_from_words,
    part_of_tile,
    personal_adapters,
)
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.app.wall import found, painted_tiles, personal_tiles, wall_tiles
from diffstyle_ui.widgets.style_rows import MAX_ROWS, StyleRows
from diffstyle_ui.widgets.style_wall import BATCH, Tile
from diffstyle_ui.widgets.words_box import SILENT, Said

MAX_WORDS = 1000


class Mixing:
    """Handlers of the events of `rows`. All but those of the wall return updates of `rows.outputs`."""

    def __init__(self, context: AppContext, rows: StyleRows) -> None:
        self.context, self.rows = context, rows

    @user_errors
    def say(self, request: gr.Request, event: gr.EventData, *weights: float) -> list[Any]:
        """The words that are being typed: they take the place of what comes after the styles that are kept, or of one
        style alone.
        """
        session = self.context.session(request)
        words, keep = str(event.words)[:MAX_WORDS].strip(), self._kept(session, event)
        if not words:
            return self.rows.updates(session.parts, weights, Said(facts=()))
        return self._spoken(session, words, keep, weights, replace=bool(getattr(event, "replace", False)))

    @user_errors
    def edit(self, request: gr.Request, event: gr.EventData, *weights: float) -> list[Any]:
        """The words that the edited chips say."""
        session = self.context.session(request)
        keep = self._kept(session, event)
        before = session.parts[keep].style.prompt if keep < len(session.parts) else ""
        words = edited_words(before, event.facts)
        if not words:
            return self.rows.updates(session.parts, weights, Said("", keep, ()))
        replace = bool(getattr(event, "replace", False))
        return self._spoken(session, words, keep, weights, shown=words, replace=replace)

    @user_errors
    def pick(self, request: gr.Request, event: gr.EventData, *weights: float) -> list[Any]:
        """A tile: it replaces the mix, or is added to it; one that is in the mix already leaves it again."""
        session = self.context.session(request)
        part, keys = part_of_tile(self.context, str(event.name)), [p.key for p in session.parts]
        if event.add and part.key in keys:
            return self._without(session, keys.index(part.key), weights)
        if event.add:
            add_part(session, part)
            return self.rows.updates(session.parts, weights, SILENT)
        session.parts = (part,)
        return self.rows.updates(session.parts, (), SILENT)

    @user_errors
    def add_pictures(self, request: gr.Request, pictures: Sequence[Any] | None, *weights: float) -> list[Any]:
        """Uploaded pictures: they replace what the page opened with, and are added to anything else."""
        session = self.context.session(request)
        parts = [part_from_upload(self.context, session, picture) for picture in pictures or ()]
        if parts and session.parts == session.first_parts:
            session.parts = ()
        for part in parts:
            add_part(session, part)
        return self.rows.updates(session.parts, weights)

    @user_errors
    def clear(self, request: gr.Request) -> list[Any]:
        """Take all styles out."""
        session = self.context.session(request)
        session.parts = ()
        return self.rows.updates(session.parts, (), SILENT)

    def remove_handler(self, n: int) -> Callable[..., list[Any]]:
        """The handler that removes the style in line `n`."""

        @user_errors
        def remove(request: gr.Request, *weights: float) -> list[Any]:
            return self._without(self.context.session(request), n, weights)

        return remove

    @user_errors
    def paint_tiles(self, request: gr.Request, event: gr.EventData) -> Any:
        """The visitor's photo in the styles of the tiles in view."""
        session = self.context.session(request)
        keys = [str(name) for name in list(event.names)[:BATCH]]
        known = {tile.key for tile in self._tiles()}
        painted = painted_tiles(self.context, session, [key for key in keys if key in known])
        return gr.update(painted=painted)

    @user_errors
    def search(self, event: gr.EventData) -> Any:
        """The tiles that words find."""
        return gr.update(found=found(self.context, str(event.words)[:200], self._tiles()))

    def _tiles(self) -> list[Tile]:
        return [*wall_tiles(), *personal_tiles(personal_adapters())]

    def _kept(self, session: Session, event: gr.EventData) -> int:
        try:
            return max(0, min(len(session.parts), int(event.keep)))
        except (TypeError, ValueError) as error:
            raise InputError("The page sent no words: reload it.") from error

    def _spoken(
        self,
        session: Session,
        words: str,
        keep: int,
        weights: Sequence[float],
        *,
        shown: str | None = None,
        replace: bool = False,
    ) -> list[Any]:
        if keep >= MAX_ROWS:
            raise InputError(f"A mix has at most {MAX_ROWS} styles here: remove one first.")
        after = session.parts[keep + 1 :] if replace else ()
        session.parts = (*session.parts[:keep], part_from_words(self.context, words), *after)
        given = weights if replace else weights[: keep + 1]
        return self.rows.updates(session.parts, given, Said(shown, keep, facts_of(words), replace))

    def _without(self, session: Session, n: int, weights: Sequence[float]) -> list[Any]:
        session.parts = (*session.parts[:n], *session.parts[n + 1 :])
        return self.rows.updates(session.parts, [*weights[:n], *weights[n + 1 :]], SILENT)

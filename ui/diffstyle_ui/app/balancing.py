"""The events of *Find a balance*: the gallery opens, picks lead from round to round, the settings are filled in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from diffstyle import Cancelled, InputError
from diffstyle_ui.app.balance import Balance, begin, paint
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.events import UNCHANGED, bind, bind_after
from diffstyle_ui.app.parts import mixed
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.preference_gallery import ASKING, CELLS, CLOSED, preference_gallery
from diffstyle_ui.widgets.settings_form import SettingsForm, form_values, read_form
from diffstyle_ui.widgets.style_rows import MAX_ROWS

FAILED = "This could not be painted: close it, and try again in a moment."
GONE = "This search has ended: begin another one."


class Balancing:
    """Draws the gallery; `connect` binds its events."""

    def __init__(self, context: AppContext, form: SettingsForm) -> None:
        """`form` receives the settings that are found."""
        self.context, self.form = context, form
        self.gallery = preference_gallery(elem_id="balance-gallery")
        self.timer = gr.Timer(1.0, active=False)

    def connect(self, start: gr.Button, inputs: Sequence[Component]) -> Dependency:
        """Open the gallery when `start` is clicked; `inputs` are the photo, the weights and the settings.

        Returns the event after which the settings are filled in and the picture is to be painted.
        """
        gallery, shown = self.gallery, [self.gallery, self.timer]
        for event in (
            bind([start.click], self.begin, inputs, shown),
            bind([gallery.select], self.pick, [], shown, kind="immediate"),
            bind([gallery.undo], self.back, [], shown, kind="immediate"),
        ):
            painted = bind_after(event, self.paint, [], shown, kind="sketch")
            bind_after(painted, self.fail, [], shown, kind="immediate", failed=True)
        bind([self.timer.tick], self.place, [], [gallery], kind="immediate")
        bind([gallery.clear], self.close, [], [self.timer], kind="immediate")
        found = bind([gallery.submit], self.finish, [], [*shown, *self.form.inputs, self.form.keep_seed])
        bind_after(found, self.fail, [], shown, kind="immediate", failed=True)
        return found

    @user_errors
    def begin(self, request: gr.Request, photo: Any, *values: Any) -> tuple[Any, Any]:
        session, renderer = self.context.session(request), self.context.renderer
        session.end_balance()
        current, style = self.context.photo_of(session, photo), mixed(session, values[:MAX_ROWS])
        asked = read_form(values[MAX_ROWS:])
        task = renderer.pictures.run(lambda: asked.task(current.small, style))
        session.balance = begin(renderer, task, asked)
        return _shown(session.balance, "Painting six versions …"), gr.Timer(active=True)

    @user_errors
    def pick(self, request: gr.Request, event: gr.EventData) -> tuple[Any, Any]:
        """The next round, around a pick; its renders follow."""
        balance = self._open(self.context.session(request))
        if balance is None:
            return gr.update(shown=CLOSED), UNCHANGED
        if int(event.round) == balance.search.round and not balance.search.finished:
            balance.change(balance.search.pick(_number(event)))
        return _shown(balance, ""), gr.Timer(active=True)

    @user_errors
    def back(self, request: gr.Request, event: gr.EventData) -> tuple[Any, Any]:
        """The round before, as it was."""
        balance = self._open(self.context.session(request))
        if balance is None:
            return gr.update(shown=CLOSED), UNCHANGED
        if int(event.round) == balance.search.round:
            balance.change(balance.search.back())
        return _shown(balance, ""), gr.Timer(active=True)

    @user_errors
    def paint(self, request: gr.Request) -> Iterator[tuple[Any, Any]]:
        """What the round that is shown misses; nothing if the search goes on meanwhile."""
        balance, idle = self.context.session(request).balance, gr.Timer(active=False)
        if balance is None:
            return
        serial, note = balance.serial, ASKING
        yield gr.update(), idle
        try:
            for done in paint(self.context.renderer, balance):
                yield _shown(balance, f"Painting {min(done + 1, CELLS)} of {CELLS} …"), UNCHANGED
        except Cancelled:
            return
        except InputError as error:
            note = str(error)
        if serial == balance.serial:
            yield _shown(balance, note), UNCHANGED

    def fail(self) -> tuple[Any, Any]:
        """The renders were refused, or failed."""
        return gr.update(note=FAILED), gr.Timer(active=False)

    def place(self, request: gr.Request) -> Any:
        """How many renders come before those of the gallery."""
        before = self.context.waiting.place(request, "render")
        if not before:
            return UNCHANGED
        return gr.update(note=f"Waiting: {'one render is' if before == 1 else f'{before} renders are'} before yours.")

    def close(self, request: gr.Request) -> Any:
        self.context.session(request).end_balance()
        return gr.Timer(active=False)

    @user_errors
    def finish(self, request: gr.Request, event: gr.EventData) -> list[Any]:
        """The settings of the last pick, in the form. The seed is kept: it decides what was picked."""
        session = self.context.session(request)
        balance = session.balance
        if balance is None or int(event.round) != balance.search.round:
            raise InputError(GONE)
        balance.change(balance.search.pick(_number(event)))
        session.end_balance()
        return [gr.update(shown=CLOSED), gr.Timer(active=False), *form_values(balance.found), True]

    def _open(self, session: Session) -> Balance | None:
        """The search of the session; a sentence on the page if there is none any more."""
        if session.balance is None:
            gr.Warning(GONE)
        return session.balance


def _number(event: gr.EventData) -> int:
    return int(getattr(event, "n", -1))


def _shown(balance: Balance, note: str) -> Any:
    return gr.update(shown=balance.shown, note=note)

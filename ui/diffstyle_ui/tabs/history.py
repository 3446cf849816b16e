"""What this page has made: look again, bring the controls back, compare two, vote blindly."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from diffstyle import InputError, Picture
from diffstyle.formats.recipe import Recipe
from diffstyle_ui.app.context import Desk
from diffstyle_ui.app.events import listen, listen_after
from diffstyle_ui.app.parts import parts_of
from diffstyle_ui.app.sessions import Kept, Session
from diffstyle_ui.app.status import IDLE, said
from diffstyle_ui.app.uploads import recipe_in, uploaded
from diffstyle_ui.app.user_errors import plainly
from diffstyle_ui.app.votes import drawn, logged
from diffstyle_ui.tabs.paint import PaintTab
from diffstyle_ui.tabs.stylise import StyliseTab
from diffstyle_ui.widgets.comparison import comparison, pair
from diffstyle_ui.widgets.html import data_url
from diffstyle_ui.widgets.settings_form import values_of

CSS = """
.kept { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 10px; padding: 3px; }
.kept button { padding: 0; border: 0; border-radius: 8px; overflow: hidden; cursor: pointer; text-align: left;
  background: var(--background-fill-secondary); color: var(--body-text-color); }
.kept img { display: block; width: 100%; aspect-ratio: 3 / 2; object-fit: cover; }
.kept small { display: block; padding: 6px 8px; font-size: 12px; line-height: 1.35; }
.kept button:hover { box-shadow: 0 0 0 2px var(--border-color-accent); }
.kept button:focus-visible { outline: 3px solid var(--accent-strong); }
.blind { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
.blind figure { margin: 0; text-align: center; } .blind img { width: 100%; border-radius: 8px; display: block; }
.blind figcaption { padding: 6px; font-weight: 700; }
"""

_ON_LOAD = """
element.addEventListener('click', (e) => {
  const button = e.target.closest('button[data-n]');
  if (button) trigger('select', { n: Number(button.dataset.n) });
});
"""
EMPTY = '<div class="empty"><b>Nothing here yet</b>What you render is kept until you close the page.</div>'
NO_PAIR = '<div class="empty"><b>Two, side by side</b>Pick any two results above.</div>'
NO_VOTE = '<div class="empty"><b>Which is better?</b>Two results are shown without their names.</div>'


class HistoryTab:
    """Draws the tab; `wire` connects it with the tabs around it."""

    def __init__(self, desk: Desk, stylise: StyliseTab, paint: PaintTab) -> None:
        """`stylise` and `paint` are the tabs to which controls and masks come back."""
        self.desk, self.stylise, self.paint = desk, stylise, paint
        with gr.Row():
            with gr.Column(scale=5, min_width=300):
                self.tiles = gr.HTML(
                    EMPTY, elem_id="history", label="Results", js_on_load=_ON_LOAD, apply_default_css=False
                )
            with gr.Column(scale=4, min_width=300):
                self.back = gr.File(
                    label="Drop a saved picture: its style and all its controls come back",
                    file_types=["image"],
                    height=160,
                    elem_id="drop-back",
                )
                self.status = gr.HTML(IDLE, elem_id="history-status", apply_default_css=False)
                with gr.Row():
                    self.again = gr.Button("Use these controls", interactive=False, elem_id="again", min_width=140)
                    self.download = gr.DownloadButton(
                        "Download PNG", interactive=False, elem_id="history-download", min_width=140
                    )
        with gr.Accordion("Compare two", open=False, elem_id="compare-two"):
            with gr.Row():
                self.left = gr.Dropdown([], label="On the left", elem_id="left")
                self.right = gr.Dropdown([], label="On the right", elem_id="right")
            self.frame = comparison(elem_id="pair", label="Two results", empty=NO_PAIR)
        with gr.Accordion("Vote blindly", open=False, elem_id="vote"):
            self.blind = gr.HTML(NO_VOTE, elem_id="blind", apply_default_css=False)
            with gr.Row():
                self.draw = gr.Button("Show me two", variant="primary", elem_id="draw", min_width=140)
                self.answers = [
                    gr.Button(text, interactive=False, elem_id=f"vote-{choice}", min_width=100)
                    for choice, text in (("a", "A is better"), ("b", "B is better"), ("same", "No difference"))
                ]
            self.voted = gr.HTML(IDLE, elem_id="voted", apply_default_css=False)
        self.picked, self.drawn = gr.State(-1), gr.State(())

    def wire(self, tab: gr.Tab, tabs: gr.Tabs) -> None:
        stylise, paint = self.stylise, self.paint
        listen([tab.select], self.refresh, [], [self.tiles, self.left, self.right])
        listen([self.tiles.select], self.pick, [], [self.picked, self.status, self.again, self.download])
        controls = [*stylise.parts.shown, *stylise.form.inputs, stylise.form.lock, *paint.restored]
        for trigger, inputs in ((self.back.upload, self.back), (self.again.click, self.picked)):
            handler = self.restore if inputs is self.back else self.restore_picked
            back = listen([trigger], handler, [inputs], [self.status, tabs, *controls])
            frame = [stylise.compare, stylise.status]
            listen_after(back, stylise.preview, stylise.inputs, frame, kind="preview")
        sides = [self.left, self.right]
        listen([s.input for s in sides], self.compare, sides, [self.frame])
        outcome = [self.blind, self.voted, self.drawn, *self.answers]
        listen([self.draw.click], self.draw_two, [], outcome)
        for choice, button in zip(("a", "b", "same"), self.answers, strict=True):
            listen([button.click], self._voter(choice), [self.drawn], outcome)

    @plainly
    def refresh(self, request: gr.Request) -> tuple[Any, ...]:
        kept = self.desk.session(request).kept
        choices = [(f"{n + 1}. {k.label}", n) for n, k in enumerate(kept)]
        return tiles(kept), gr.update(choices=choices), gr.update(choices=choices)

    @plainly
    def pick(self, request: gr.Request, event: gr.EventData) -> tuple[Any, ...]:
        n = int(event.n)
        kept = nth(self.desk.session(request), n)
        on = gr.update(interactive=True)
        return n, said(f"{n + 1}. {kept.label}"), on, gr.update(value=str(kept.file), interactive=True)

    @plainly
    def restore(self, request: gr.Request, payload: Any) -> list[Any]:
        return self._restored(self.desk.session(request), uploaded(payload, "a saved picture"))

    @plainly
    def restore_picked(self, request: gr.Request, n: int) -> list[Any]:
        session = self.desk.session(request)
        return self._restored(session, nth(session, n).file)

    def _restored(self, session: Session, path: Path) -> list[Any]:
        recipe = recipe_in(path)
        rows = parts_of(self.desk, recipe.style)
        session.parts = tuple(replace(part, style=self.desk.studio.measured(part.style)) for part, _ in rows)
        shown = self.stylise.parts.update(session, [round(weight, 3) for _, weight in rows])
        note, painted = self.paint.restore(session, recipe)
        notes = said(*self._notes(session, recipe), note)
        return [notes, gr.update(selected="stylise"), *shown, *values_of(recipe.settings), True, *painted]

    def _notes(self, session: Session, recipe: Recipe) -> list[str]:
        notes = ["The controls are back."]
        if session.photo is None or self.desk.whole(session.photo).digest() != recipe.content:
            notes.append(f"It was made from {recipe.content_source}: drop that photo to paint it again.")
        if recipe.options != self.desk.studio.options.shareable():
            here = self.desk.studio.options.name
            notes.append(f"It was rendered by {recipe.options.name}; this page renders with {here}.")
        return notes

    @plainly
    def compare(self, request: gr.Request, left: int | None, right: int | None) -> str:
        if left is None or right is None:
            return NO_PAIR
        session = self.desk.session(request)
        one, other = (nth(session, n) for n in (left, right))
        pictures = [Picture.open(kept.file) for kept in (one, other)]
        size = pictures[0].size
        urls = [data_url(picture.resized(size), longest=1200) for picture in pictures]
        return pair(urls[0], urls[1], what=other.label, names=(f"{left + 1}", f"{right + 1}"))

    @plainly
    def draw_two(self, request: gr.Request) -> tuple[Any, ...]:
        session = self.desk.session(request)
        two = drawn(session)
        return side_by_side(two), IDLE, tuple(kept.file.name for kept in two), *[gr.update(interactive=True)] * 3

    def _voter(self, choice: str) -> Callable[..., tuple[Any, ...]]:
        @plainly
        def vote(request: gr.Request, names: Sequence[str]) -> tuple[Any, ...]:
            session = self.desk.session(request)
            found = [kept for name in names for kept in session.kept if kept.file.name == name]
            if len(found) != 2:
                raise InputError("These two are no longer here: let two others be shown.")
            logged(self.desk.votes, session, (found[0], found[1]), choice)
            line = said(f"Noted. A was {found[0].label}.", f"B was {found[1].label}.")
            return gr.update(), line, (), *[gr.update(interactive=False)] * 3

        return vote


def nth(session: Session, n: int) -> Kept:
    if not 0 <= n < len(session.kept):
        raise InputError("That picture is no longer here: pick another one.")
    return session.kept[n]


def tiles(kept: Sequence[Kept]) -> str:
    """The HTML of the results, the newest first."""
    if not kept:
        return EMPTY
    buttons = "".join(
        f'<button type="button" data-n="{n}"><img src="{k.thumbnail}" alt="">'
        f"<small>{n + 1}. {html.escape(k.label)}</small></button>"
        for n, k in reversed(list(enumerate(kept)))
    )
    return f'<div class="kept" role="group" aria-label="Results">{buttons}</div>'


def side_by_side(two: Sequence[Kept]) -> str:
    figures = "".join(
        f'<figure><img src="{kept.thumbnail}" alt="Picture {name}"><figcaption>{name}</figcaption></figure>'
        for name, kept in zip("AB", two, strict=True)
    )
    return f'<div class="blind">{figures}</div>'

"""The first tab: a photo, a style, sliders with a live preview, and the render."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import gradio as gr
from gradio.components import Component

from diffstyle import Settings, Style, Task
from diffstyle_ui.app.context import Desk
from diffstyle_ui.app.events import listen, listen_after
from diffstyle_ui.app.parts import MAX_PARTS, PartRows, adapted, added, blended, look_of, pictured, worded
from diffstyle_ui.app.renders import watched
from diffstyle_ui.app.sessions import Photo, Session
from diffstyle_ui.app.status import IDLE, progress, said
from diffstyle_ui.app.user_errors import plainly
from diffstyle_ui.widgets.comparison import EMPTY, comparison, pair
from diffstyle_ui.widgets.html import data_url
from diffstyle_ui.widgets.seed_grid import SEEDS, grid, tiles
from diffstyle_ui.widgets.settings_form import Form, settings_of

Update: TypeAlias = dict[str, Any]
OFF: Update = gr.update(interactive=False)
ON: Update = gr.update(interactive=True)
SAME: Update = gr.update()
NEW_SEEDS = 10**6


@dataclass(frozen=True, slots=True)
class Asked:
    """All that the tab's controls say."""

    session: Session
    photo: Photo
    style: Style
    settings: Settings


class StyliseTab:
    """Draws the tab and wires it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        with gr.Row(elem_id="stylise"):
            with gr.Column(scale=5, min_width=320, elem_id="controls"):
                self.photo = gr.Image(
                    label="Photo",
                    type="filepath",
                    image_mode=None,
                    sources=["upload", "clipboard"],
                    height=230,
                    elem_id="photo",
                    buttons=[],
                )
                self.example = gr.Button("Try it with our cat", size="sm", elem_id="example")
                self.parts = PartRows(desk)
                self.form = Form()
            with gr.Column(scale=6, min_width=320, elem_id="stage"):
                self.compare = comparison(elem_id="compare", label="Photo and result")
                self.status = gr.HTML(IDLE, elem_id="status", apply_default_css=False)
                with gr.Row():
                    self.render = gr.Button("Render", variant="primary", elem_id="render", scale=3, min_width=140)
                    self.cancel = gr.Button("Cancel", elem_id="cancel", interactive=False, scale=1, min_width=90)
                with gr.Row():
                    self.vary = gr.Button("Four variations", elem_id="vary", size="md", min_width=140)
                    self.download = gr.DownloadButton(
                        "Download PNG", elem_id="download", interactive=False, size="md", min_width=140
                    )
                self.variations = grid(elem_id="variations")
        self.inputs: list[Component] = [self.photo, *self.parts.weights, *self.form.inputs]
        self._wire()

    def _wire(self) -> None:
        parts, form, weights = self.parts, self.form, self.parts.weights
        frame = [self.compare, self.status]
        moved = [getattr(widget, "input") for widget in (*weights, *form.inputs)]  # noqa: B009 - events come with gradio
        listen([self.photo.upload, self.photo.clear, *moved], self.preview, self.inputs, frame, kind="preview")
        changes = [
            listen([self.example.click], self.use_example, [], [self.photo]),
            listen([parts.words.submit], self.add_words, [parts.words, *weights], [parts.words, *parts.shown]),
            listen([parts.pictures.upload], self.add_pictures, [parts.pictures, *weights], parts.shown),
            listen([parts.own.input], self.add_own, [parts.own, *weights], [parts.own, *parts.shown]),
            listen([parts.wall.select], self.toggle, weights, parts.shown),
            *(listen([b.click], self._remover(n), weights, parts.shown) for n, b in enumerate(parts.removals)),
            listen([form.reroll.click], new_seed, [], [form.widgets["seed"]]),
        ]
        for change in changes:
            listen_after(change, self.preview, self.inputs, frame, kind="preview")
        buttons = [self.render, self.vary, self.cancel]
        painted = [*frame, self.download, form.widgets["seed"], *buttons]
        listen([self.render.click], self.paint, [form.lock, *self.inputs], painted, kind="render")
        listen([self.vary.click], self.vary_seed, self.inputs, [self.variations, self.status, *buttons], kind="render")
        listen([self.variations.select], self.go_on, [], [form.widgets["seed"], form.lock, self.status])
        listen([self.cancel.click], self.stop, [], [self.cancel], kind="now")

    def asked(self, request: gr.Request, photo: Any, values: Sequence[Any]) -> Asked:
        """What the controls say: the photo, then the weights, then the settings."""
        session = self.desk.session(request)
        shown = self.desk.photo(session, photo)
        return Asked(session, shown, blended(session, values[:MAX_PARTS]), settings_of(values[MAX_PARTS:]))

    @plainly
    def use_example(self, request: gr.Request) -> str:
        return str(self.desk.example_for(self.desk.session(request)))

    @plainly
    def add_words(self, request: gr.Request, words: str, *weights: float) -> list[Any]:
        session = self.desk.session(request)
        added(session, worded(self.desk, words))
        return ["", *self.parts.update(session, weights)]

    @plainly
    def add_pictures(self, request: gr.Request, pictures: Sequence[Any] | None, *weights: float) -> list[Any]:
        session = self.desk.session(request)
        for picture in pictures or ():
            added(session, pictured(self.desk, picture))
        return self.parts.update(session, weights)

    @plainly
    def add_own(self, request: gr.Request, name: str, *weights: float) -> list[Any]:
        session = self.desk.session(request)
        added(session, adapted(self.desk, name))
        return [None, *self.parts.update(session, weights)]

    @plainly
    def toggle(self, request: gr.Request, event: gr.EventData, *weights: float) -> list[Any]:
        session, part = self.desk.session(request), look_of(self.desk, str(event.name))
        labels = [p.label for p in session.parts]
        if part.label in labels:
            return self._without(session, labels.index(part.label), weights)
        added(session, part)
        return self.parts.update(session, weights)

    def _remover(self, n: int) -> Callable[..., list[Any]]:
        @plainly
        def remove(request: gr.Request, *weights: float) -> list[Any]:
            return self._without(self.desk.session(request), n, weights)

        return remove

    def _without(self, session: Session, n: int, weights: Sequence[float]) -> list[Any]:
        session.parts = (*session.parts[:n], *session.parts[n + 1 :])
        return self.parts.update(session, [*weights[:n], *weights[n + 1 :]])

    @plainly
    def preview(self, request: gr.Request, photo: Any, *values: Any) -> tuple[Any, Any]:
        session = self.desk.session(request)
        if not photo:
            session.photo = None
            return EMPTY, IDLE
        shown = self.desk.photo(session, photo)
        if not session.parts:
            return pair(shown.shown, shown.shown, what="The photo, as it is"), said("Now choose a style.")
        asked = self.asked(request, photo, values)
        result = self.desk.studio.preview(Task.of(shown.small, asked.style, asked.settings))
        if session.busy:  # the frame shows the render
            return SAME, SAME
        note = self.desk.hint(asked.style)
        what = f"Preview in the style {asked.style.label}"
        seconds = sum(result.seconds.values())
        return pair(shown.shown, data_url(result.picture), what=what), said(f"Preview in {seconds:.2f} s.", note)

    @plainly
    def paint(self, request: gr.Request, lock: bool, photo: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        asked = self.asked(request, photo, values)
        settings = asked.settings if lock else replace(asked.settings, seed=new_seed())
        yield SAME, SAME, SAME, settings.seed, OFF, OFF, ON
        look = None
        for look in watched(self.desk, asked.session, asked.photo, partial(self._task, asked, settings)):
            yield look.picture or SAME, look.status, SAME, SAME, SAME, SAME, SAME
        if look is not None:
            download = gr.update(value=str(look.kept.file), interactive=True) if look.kept else SAME
            yield SAME, SAME, download, SAME, ON, ON, OFF
            if look.failure:
                raise look.failure

    @plainly
    def vary_seed(self, request: gr.Request, photo: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        asked = self.asked(request, photo, values)
        found: list[tuple[int, str]] = []
        yield "", progress(0, SEEDS, what="Picture"), OFF, OFF, ON
        ended, failure = said("Four seeds, all kept in the history. Click one to go on with its seed."), None
        for seed in range(asked.settings.seed, asked.settings.seed + SEEDS):
            settings = replace(asked.settings, seed=seed)
            *_, look = watched(self.desk, asked.session, asked.photo, partial(self._task, asked, settings))
            if look.kept is None:
                ended, failure = look.status, look.failure
                break
            found.append((seed, look.kept.thumbnail))
            yield tiles(found), progress(len(found), SEEDS, what="Picture"), SAME, SAME, SAME
        yield tiles(found), ended, ON, ON, OFF
        if failure:
            raise failure

    def _task(self, asked: Asked, settings: Settings) -> Task:
        """The whole photo, not the small one of the preview."""
        return Task.of(self.desk.whole(asked.photo), asked.style, settings)

    def go_on(self, event: gr.EventData) -> tuple[int, bool, str]:
        return int(event.seed), True, said(f"Seed {event.seed} is kept: Render paints with it.")

    @plainly
    def stop(self, request: gr.Request) -> Any:
        self.desk.session(request).cancel.set()
        return OFF


def new_seed() -> int:
    return secrets.randbelow(NEW_SEEDS)

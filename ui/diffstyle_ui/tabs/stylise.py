"""The first tab: a photo, a style, settings with a live preview, and the render."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import gradio as gr
from gradio.components import Component

from diffstyle import Style, Task
from diffstyle.core.cancelling import cancellable
from diffstyle_ui.app.arrival import arrival
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import DISABLED, ENABLED, UNCHANGED, Widget, bind
from diffstyle_ui.app.parts import (
    add_part,
    mixed,
    part_from_adapter,
    part_from_upload,
    part_from_words,
    part_of,
    personal_adapters,
)
from diffstyle_ui.app.renders import RenderUpdate, render_updates
from diffstyle_ui.app.sessions import Photo, Session
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.comparison import comparison, pair
from diffstyle_ui.widgets.html import IDLE, data_url, placeholder, progress, status
from diffstyle_ui.widgets.seed_grid import grid_html, seed_grid
from diffstyle_ui.widgets.settings_form import AUTO, RenderSettings, SettingsForm, honours, read_form
from diffstyle_ui.widgets.style_rows import MAX_ROWS, StyleRows

VARIATIONS = 4
MAX_RANDOM_SEED = 10**6
EMPTY = placeholder(
    "Your picture appears here",
    "<ol><li>Add a photo</li><li>Describe or choose a style</li><li>Move the sliders and watch the preview</li></ol>",
)


@dataclass(frozen=True, slots=True)
class Request:
    """The values of all inputs of the tab."""

    session: Session
    photo: Photo
    style: Style
    settings: RenderSettings


class StyliseTab:
    """Draws the tab and binds its events; `controls` is what other tabs need of it."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
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
                self.example = gr.Button("Use the example photo", size="sm", elem_id="example")
                engine = context.renderer.first_choice or AUTO
                self.rows = StyleRows(context.space, personal_adapters())
                self.form = SettingsForm(engine)
            with gr.Column(scale=6, min_width=320, elem_id="stage"):
                self.frame = comparison(elem_id="compare", label="Photo and result", empty=EMPTY)
                self.status = gr.HTML(IDLE, elem_id="status", apply_default_css=False)
                with gr.Row():
                    self.start = gr.Button("Render", variant="primary", elem_id="render", scale=3, min_width=140)
                    self.cancel = gr.Button("Cancel", elem_id="cancel", interactive=False, scale=1, min_width=90)
                with gr.Row():
                    self.vary = gr.Button(
                        "Four variations",
                        elem_id="vary",
                        size="md",
                        min_width=140,
                        visible=honours(engine, "seeded"),
                    )
                    self.download = gr.DownloadButton(
                        "Download PNG", elem_id="download", interactive=False, size="md", min_width=140
                    )
                self.variations = seed_grid(elem_id="variations")
        inputs: list[Component] = [self.photo, *self.rows.weights, *self.form.inputs]
        frame: list[Widget] = [self.frame, self.status]
        self.controls = Controls(context, self.rows, self.form, inputs, frame, self.preview, self.draft)
        self._bind()

    def _bind(self) -> None:
        rows, form, weights, controls = self.rows, self.form, self.rows.weights, self.controls
        edits = [getattr(widget, "input") for widget in (*weights, *form.inputs)]  # noqa: B009 - Gradio adds events at run time
        triggers = [self.photo.upload, self.photo.clear, *edits]
        controls.draft_after(bind(triggers, self.preview, controls.inputs, controls.frame, kind="preview"))
        changes = [
            bind([self.example.click], self.use_example, [], [self.photo]),
            bind([rows.words.submit], self.add_words, [rows.words, *weights], [rows.words, *rows.outputs]),
            bind([rows.pictures.upload], self.add_pictures, [rows.pictures, *weights], rows.outputs),
            bind([rows.adapters.input], self.add_adapter, [rows.adapters, *weights], [rows.adapters, *rows.outputs]),
            bind([rows.wall.select], self.toggle, weights, rows.outputs),
            *(bind([b.click], self._remove_handler(n), weights, rows.outputs) for n, b in enumerate(rows.removals)),
            bind([form.new_seed.click], random_seed, [], [form.seed]),
        ]
        for change in changes:
            controls.preview_after(change)
        shown = [*form.engine_outputs, self.vary]
        bind([form.engine.change], self.show_engine, [form.engine], shown)
        buttons = [self.start, self.vary, self.cancel]
        outputs = [*controls.frame, self.download, form.seed, *buttons]
        bind([self.start.click], self.render, [form.keep_seed, *controls.inputs], outputs, kind="render")
        outputs = [self.variations, self.status, *buttons]
        bind([self.vary.click], self.render_variations, controls.inputs, outputs, kind="render")
        bind([self.variations.select], self.choose_seed, [], [form.seed, form.keep_seed, self.status])
        bind([self.cancel.click], controls.cancel, [], [self.cancel], kind="immediate")

    @user_errors
    def use_example(self, request: gr.Request) -> str:
        return str(self.context.copy_example(self.context.session(request)))

    @user_errors
    def add_words(self, request: gr.Request, words: str, *weights: float) -> list[Any]:
        session = self.context.session(request)
        add_part(session, part_from_words(self.context, words))
        return ["", *self.rows.updates(session.parts, weights)]

    @user_errors
    def add_pictures(self, request: gr.Request, pictures: Sequence[Any] | None, *weights: float) -> list[Any]:
        session = self.context.session(request)
        for picture in pictures or ():
            add_part(session, part_from_upload(self.context, session, picture))
        return self.rows.updates(session.parts, weights)

    @user_errors
    def add_adapter(self, request: gr.Request, name: str, *weights: float) -> list[Any]:
        session = self.context.session(request)
        add_part(session, part_from_adapter(self.context, name))
        return [None, *self.rows.updates(session.parts, weights)]

    @user_errors
    def toggle(self, request: gr.Request, event: gr.EventData, *weights: float) -> list[Any]:
        """Add a named style, or remove it if it is in the mix."""
        session, part = self.context.session(request), part_of(self.context, str(event.name))
        labels = [p.label for p in session.parts]
        if part.label in labels:
            return self._remove(session, labels.index(part.label), weights)
        add_part(session, part)
        return self.rows.updates(session.parts, weights)

    def _remove_handler(self, n: int) -> Callable[..., list[Any]]:
        @user_errors
        def remove(request: gr.Request, *weights: float) -> list[Any]:
            return self._remove(self.context.session(request), n, weights)

        return remove

    def _remove(self, session: Session, n: int, weights: Sequence[float]) -> list[Any]:
        session.parts = (*session.parts[:n], *session.parts[n + 1 :])
        return self.rows.updates(session.parts, [*weights[:n], *weights[n + 1 :]])

    @user_errors
    def preview(self, request: gr.Request, photo: Any, *values: Any) -> tuple[Any, Any]:
        session = self.context.session(request)
        if not photo:
            session.photo = None
            return EMPTY, IDLE
        current = self.context.photo(session, photo)
        if not session.parts:
            frame = pair(current.url, current.url, description="The photo, unchanged")
            return frame, status("Now choose a style.")
        asked = self._request(session, photo, values)
        session.preview_count += 1
        result = self.context.renderer.preview(asked.settings.task(current.small, asked.style))
        if session.rendering_now:
            return UNCHANGED, UNCHANGED
        frame = pair(current.url, data_url(result.picture), description=f"Preview in the style {asked.style.label}")
        seconds = sum(result.seconds.values())
        return frame, status(f"Preview in {seconds:.2f} s.", self.context.hint(asked.style))

    @user_errors
    def draft(self, request: gr.Request, photo: Any, *values: Any) -> tuple[Any, Any]:
        """What the render will look like, in place of the preview; nothing if a newer preview was asked for."""
        session = self.context.session(request)
        if not photo or not session.parts or session.rendering_now:
            return UNCHANGED, UNCHANGED
        number = session.preview_count
        current = self.context.photo(session, photo)
        asked = self._request(session, photo, values)
        result = self.context.renderer.draft(asked.settings.task(current.small, asked.style))
        if result is None or session.rendering_now or number != session.preview_count:
            return UNCHANGED, UNCHANGED
        frame = pair(current.url, data_url(result.picture), description=f"Draft in the style {asked.style.label}")
        line = f"Preview in {sum(result.seconds.values()):.2f} s, a draft of the render."
        return frame, status(line, self.context.hint(asked.style))

    @user_errors
    def render(self, request: gr.Request, keep_seed: bool, photo: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        session = self.context.session(request)
        with session.rendering(arrival(request)) as cancel:
            with cancellable(cancel.is_set):
                asked = self._request(session, photo, values)
            settings = asked.settings if keep_seed else asked.settings.with_seed(random_seed())
            yield UNCHANGED, UNCHANGED, UNCHANGED, settings.settings.seed, DISABLED, DISABLED, ENABLED
            update = None
            for update in self._render(asked, settings, cancel):
                yield update.frame or UNCHANGED, update.status, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED, UNCHANGED
            if update is not None:
                download = gr.update(value=str(update.saved.file), interactive=True) if update.saved else UNCHANGED
                yield UNCHANGED, UNCHANGED, download, UNCHANGED, ENABLED, ENABLED, DISABLED
                if update.error:
                    raise update.error

    @user_errors
    def render_variations(self, request: gr.Request, photo: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        session = self.context.session(request)
        with session.rendering(arrival(request)) as cancel:
            with cancellable(cancel.is_set):
                asked = self._request(session, photo, values)
            results: list[tuple[int, str]] = []
            yield "", progress(0, VARIATIONS, what="Picture"), DISABLED, DISABLED, ENABLED
            line, error = status("Four seeds, all saved in the history. Click one to see it large."), None
            first = asked.settings.settings.seed
            for seed in range(first, first + VARIATIONS):
                *_, update = self._render(asked, asked.settings.with_seed(seed), cancel)
                if update.saved is None:
                    line, error = update.status, update.error
                    break
                results.append((seed, update.shown))
                bar = progress(len(results), VARIATIONS, what="Picture")
                yield grid_html(results), bar, UNCHANGED, UNCHANGED, UNCHANGED
            yield grid_html(results), line, ENABLED, ENABLED, DISABLED
            if error:
                raise error

    @user_errors
    def show_engine(self, engine: str) -> list[Any]:
        """Show the settings of the chosen engine, and the button for variations if it has a seed."""
        return [*self.form.engine_updates(engine), gr.update(visible=honours(engine, "seeded"))]

    def choose_seed(self, event: gr.EventData) -> tuple[int, bool, str]:
        return int(event.seed), True, status(f"Seed {event.seed} is kept: Render uses it.")

    def _request(self, session: Session, photo: Any, values: Sequence[Any]) -> Request:
        """The values of the inputs: the photo, then the weights, then the settings. Raises InputError."""
        current = self.context.photo(session, photo)
        return Request(session, current, mixed(session, values[:MAX_ROWS]), read_form(values[MAX_ROWS:]))

    def _render(self, asked: Request, settings: RenderSettings, cancel: Event) -> Iterator[RenderUpdate]:
        """Render the photo in full size."""

        def task() -> Task:
            return settings.task(self.context.full_picture(asked.photo), asked.style)

        return render_updates(self.context, asked.session, asked.photo, task, cancel, depth=settings.depth)


def random_seed() -> int:
    """A random seed that is short enough to read."""
    return secrets.randbelow(MAX_RANDOM_SEED)

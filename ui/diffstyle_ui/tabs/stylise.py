"""The first tab: a photo, a style, settings with a live preview, and the render."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import gradio as gr
from gradio.components import Component
from PIL import Image

from diffstyle import Result, Style, Task
from diffstyle.core.cancelling import cancellable
from diffstyle_ui.app.arrival import arrival
from diffstyle_ui.app.balancing import Balancing
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls, thumbnail
from diffstyle_ui.app.events import DISABLED, ENABLED, UNCHANGED, Widget, bind, bind_after
from diffstyle_ui.app.example_pairs import example_pairs
from diffstyle_ui.app.links import link_to
from diffstyle_ui.app.mixing import Mixing
from diffstyle_ui.app.parts import mixed, part_of_tile, personal_adapters, style_title
from diffstyle_ui.app.renders import RenderUpdate, render_updates, strip_of
from diffstyle_ui.app.sessions import Photo, Session, shown_key
from diffstyle_ui.app.thumbnails import photo_name
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.app.variations import variations
from diffstyle_ui.app.wall import personal_tiles, wall_tiles
from diffstyle_ui.widgets.comparison import comparison, pair
from diffstyle_ui.widgets.html import IDLE, THUMBNAIL, data_url, encoded_url, progress, status
from diffstyle_ui.widgets.photo_box import example_strip, photo_thumbnail, thumbnail_html
from diffstyle_ui.widgets.settings_form import AUTO, RenderSettings, SettingsForm, honours, read_form
from diffstyle_ui.widgets.style_rows import MAX_ROWS, StyleRows
from diffstyle_ui.widgets.variation_grid import grid_html, variation_grid
from diffstyle_ui.widgets.versions import version_strip
from diffstyle_ui.widgets.words_box import SILENT

EXAMPLE_LINE = "An example. Drop your own photo anywhere, paste it, or change it here."
MAX_RANDOM_SEED = 10**6
FINISH = "Finish in full size"
OWN_PHOTO = "Use your own photo"
BUSY, READY = (DISABLED, DISABLED, DISABLED, ENABLED), (ENABLED, ENABLED, ENABLED, DISABLED)  # the buttons of the bar


@dataclass(frozen=True, slots=True)
class Request:
    """The values of all inputs of the tab."""

    session: Session
    photo: Photo
    style: Style
    settings: RenderSettings

    @property
    def key(self) -> tuple[Any, ...]:
        """What the picture depends on."""
        return shown_key(self.photo, self.style, self.settings)


class StyliseTab:
    """Draws the tab and binds its events; `controls` is what other tabs need of it."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        first = example_pairs()[0]
        context.sessions.first_parts = (part_of_tile(context, first.style),)
        with gr.Row(elem_id="stylise"):
            with gr.Column(scale=5, min_width=320, elem_id="controls"):
                engine = context.renderer.first_choice or AUTO
                tiles = [*wall_tiles(), *personal_tiles(personal_adapters())]
                self.rows = StyleRows(tiles, context.sessions.first_parts)
                self.form = SettingsForm(engine)
                self.opening_settings = read_form([getattr(widget, "value", None) for widget in self.form.inputs])
            with gr.Column(scale=6, min_width=320, elem_id="stage"):
                with gr.Row(elem_id="render-bar"):
                    self.start = gr.Button(FINISH, variant="primary", elem_id="render", scale=3, min_width=140)
                    self.cancel = gr.Button("Cancel", elem_id="cancel", interactive=False, scale=1, min_width=80)
                    self.vary = gr.Button(
                        "Four variations", elem_id="vary", scale=1, min_width=90, visible=honours(engine, "seeded")
                    )
                    self.balance = gr.Button("Find a balance", elem_id="balance", scale=1, min_width=90)
                self.frame = comparison(elem_id="compare", label="Photo and result", empty=opening_frame(context))
                self.status = gr.HTML(
                    status(f"{first.credit}, as {context.sessions.first_parts[0].label}."),
                    elem_id="status",
                    apply_default_css=False,
                )
                self.versions = version_strip(elem_id="versions")
                self.variations = variation_grid(elem_id="variations")
                self.fast = gr.Button("Make it fast", elem_id="make-fast", size="sm", visible=context.limits.training)
                with gr.Row(elem_id="photo-row"):
                    with gr.Column(elem_id="photo", min_width=60, scale=0):
                        self.photo = gr.UploadButton(
                            "Change photo", file_types=["image"], type="filepath", elem_id="change-photo", size="sm"
                        )
                    self.thumbnail = photo_thumbnail(context.example.url, EXAMPLE_LINE, elem_id="own-photo")
                self.form.only.render()
                self.examples = example_strip(examples(), elem_id="examples")
                self.timer = gr.Timer(1.0, active=False)
        self.balancing = Balancing(context, self.form)
        inputs: list[Component] = [self.photo, *self.rows.weights, *self.form.inputs]
        frame: list[Widget] = [self.frame, self.status]
        drafted: list[Widget] = [*frame, self.start]
        self.controls = Controls(
            context,
            self.rows,
            self.form,
            inputs,
            frame,
            drafted,
            self.versions,
            self.variations,
            self.photo,
            self.thumbnail,
            self.fast,
            self.preview,
            self.draft,
        )
        self._bind()

    def _bind(self) -> None:
        rows, form, weights, controls = self.rows, self.form, self.rows.weights, self.controls
        mixing = Mixing(self.context, rows)
        edits = [getattr(widget, "input") for widget in (*weights, *form.inputs)]  # noqa: B009 - Gradio adds events at run time
        controls.draft_after(bind(edits, self.edit, controls.inputs, controls.frame, kind="preview"))
        photo = [self.thumbnail, rows.wall]
        busy: list[Component] = [self.frame]
        changes = [
            bind([self.photo.upload], self.show_photo, [self.photo], photo, busy=busy),
            bind([self.examples.select], self.use_example, [], [self.photo, *photo, *rows.outputs], busy=busy),
            bind([rows.words.input], mixing.say, weights, rows.outputs, kind="drag", busy=busy),
            bind([rows.words.edit], mixing.edit, weights, rows.outputs, busy=busy),
            bind([rows.pictures.upload], mixing.add_pictures, [rows.pictures, *weights], rows.outputs, busy=busy),
            bind([rows.wall.select], mixing.pick, weights, rows.outputs, busy=busy),
            bind([rows.clear.click], mixing.clear, [], rows.outputs, busy=busy),
            *(
                bind([b.click], mixing.remove_handler(n), weights, rows.outputs, busy=busy)
                for n, b in enumerate(rows.removals)
            ),
            bind([form.new_seed.click], random_seed, [], [form.seed], busy=busy),
        ]
        for change in changes:
            controls.preview_after(change)
        bind([rows.wall.apply], mixing.paint_tiles, [], [rows.wall], kind="tiles")
        bind([rows.wall.input], mixing.search, [], [rows.wall])
        shown = [*form.engine_outputs, self.vary]
        bind([form.engine.change], self.show_engine, [form.engine], shown)
        buttons = [self.start, self.vary, self.balance, self.cancel]
        found = self.balancing.connect(self.balance, controls.inputs)
        waiting = [*buttons, self.timer]
        bind([self.start.click, self.vary.click], self.queued, [], waiting, kind="immediate")
        bind_after(found, self.queued, [], waiting, kind="immediate")
        bind([self.timer.tick], controls.place, [], [self.status], kind="immediate")
        outputs = [*controls.frame, form.seed, self.versions, *buttons, self.timer]
        asked = [form.keep_seed, *controls.inputs]
        render = bind([self.start.click], self.render, asked, outputs, kind="render")
        balanced = bind_after(found, self.render, asked, outputs, kind="render")
        outputs = [self.variations, self.status, self.versions, *buttons, self.timer]
        vary = bind([self.vary.click], self.render_variations, controls.inputs, outputs, kind="render")
        for event in (render, balanced, vary):
            bind_after(event, self.ready, [], [*buttons, self.timer, self.status], kind="immediate", failed=True)
        bind([self.cancel.click], controls.cancel, [], [self.cancel], kind="immediate")

    @user_errors
    def show_photo(self, request: gr.Request, photo: Any) -> tuple[Any, Any]:
        """The thumbnail of a new photo; the tiles of the wall are out of date."""
        current = self.context.photo(self.context.session(request), photo)
        return thumbnail(current), gr.update(photo=photo_name(current.path))

    @user_errors
    def use_example(self, request: gr.Request, event: gr.EventData) -> list[Any]:
        """One of the example photos, in the style it is shown in."""
        session, n = self.context.session(request), int(event.n) % len(self.context.examples)
        session.photo = photo = self.context.examples[n]
        session.parts = (part_of_tile(self.context, example_pairs()[n].style),)
        rows = self.rows.updates(session.parts, (), SILENT)
        line = thumbnail_html(photo.url, example_pairs()[n].credit)
        at = self.rows.outputs.index(self.rows.wall)
        rows[at] = gr.update(photo=photo_name(photo.path), chosen=[part.key for part in session.parts])
        return [None, line, gr.update(), *rows]

    @user_errors
    def edit(self, request: gr.Request, photo: Any, *values: Any) -> tuple[Any, Any]:
        """The preview, if a setting has another value than what is shown was painted with."""
        session = self.context.session(request)
        if session.parts and self._request(session, photo, values).key == (session.shown or self._opening(session)):
            return UNCHANGED, UNCHANGED
        return self.preview(request, photo, *values)

    @user_errors
    def preview(self, request: gr.Request, photo: Any, *values: Any) -> tuple[Any, Any]:
        session, arrived = self.context.session(request), arrival(request)
        if session.is_late(arrived):
            return UNCHANGED, UNCHANGED
        current = self.context.photo_of(session, photo)
        if not session.parts:
            session.shown = ()
            frame = pair(current.url, current.url, description="The photo, unchanged")
            return frame, status("Describe or choose a style.")
        asked = self._request(session, photo, values)
        session.preview_count += 1
        session.shown = asked.key
        task = self._small_task(asked)
        result = self.context.renderer.preview(task)
        session.drafted = result if self.context.renderer.is_instant(task) else None
        if session.is_late(arrived):
            return UNCHANGED, UNCHANGED
        return self._previewed(asked, result, "")

    @user_errors
    def draft(self, request: gr.Request, photo: Any, *values: Any) -> tuple[Any, Any, Any]:
        """What the render will look like, in place of the preview; nothing if a newer preview was asked for."""
        session, arrived = self.context.session(request), arrival(request)
        number = session.preview_count
        if not session.parts or session.is_late(arrived) or number in (session.final_count, session.draft_count):
            return UNCHANGED, UNCHANGED, UNCHANGED
        asked = self._request(session, photo, values)
        if asked.key != session.shown:  # it waited, and a newer preview is shown
            return UNCHANGED, UNCHANGED, UNCHANGED
        if session.drafted is not None:
            return UNCHANGED, UNCHANGED, self._finish(asked, session.drafted)
        result = self.context.renderer.draft(self._small_task(asked))
        if result is None or session.is_late(arrived) or number != session.preview_count:
            return UNCHANGED, UNCHANGED, UNCHANGED
        session.draft_count = number
        return *self._previewed(asked, result, ", a draft of the render"), self._finish(asked, result)

    def _small_task(self, asked: Request) -> Task:
        """The task on the small version of the photo; what is to be painted alone is looked for behind a gate."""
        return self.context.renderer.pictures.run(lambda: asked.settings.task(asked.photo.small, asked.style))

    def _opening(self, session: Session) -> tuple[Any, ...]:
        """What the page shows before anything is painted on it."""
        if session.preview_count or not session.first_parts:
            return ()
        return shown_key(self.context.example, session.first_parts[0].style, self.opening_settings)

    def _finish(self, asked: Request, draft: Result) -> Any:
        """The button that renders, with about how long it will take."""
        seconds = self.context.renderer.estimate(draft, asked.settings.size_of(asked.photo.full_size))
        return gr.update(value=f"{FINISH} (about {seconds:.0f} s)" if seconds >= 1 else FINISH)

    def _previewed(self, asked: Request, result: Result, what: str) -> tuple[str, str]:
        """The frame and the status line for a preview."""
        frame = pair(
            asked.photo.url,
            data_url(result.picture),
            description=f"Preview in the style {style_title(self.context, asked.style)}",
            badge="Preview",
            filename=f"{asked.photo.path.stem}-preview.jpg",
            link=link_to(self.context, asked.session.parts, asked.style, asked.settings),
        )
        line = f"Preview in {sum(result.seconds.values()):.2f} s{what}."
        return frame, status(line, self.context.hint(asked.style))

    def queued(self) -> tuple[Any, ...]:
        """A render was asked for: it may wait, and can be cancelled already."""
        return *BUSY, gr.Timer(active=True)

    def ready(self) -> tuple[Any, ...]:
        """The render failed, was refused, or was withdrawn while it waited."""
        return *READY, gr.Timer(active=False), IDLE

    @user_errors
    def render(self, request: gr.Request, keep_seed: bool, photo: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        session, idle = self.context.session(request), gr.Timer(active=False)
        with session.rendering(arrival(request)) as cancel:
            with cancellable(cancel.is_set):
                asked = self._request(session, photo, values)
            settings = asked.settings if keep_seed else asked.settings.with_seed(random_seed())
            session.shown = replace(asked, settings=settings).key
            same = [UNCHANGED] * 5
            yield UNCHANGED, UNCHANGED, settings.settings.seed, UNCHANGED, *BUSY, idle
            update = None
            for update in self._render(asked, settings, cancel):
                strip = strip_of(session) if update.saved else UNCHANGED
                yield update.frame or UNCHANGED, update.status, UNCHANGED, strip, *same
            if update is not None:
                yield *same[:4], *READY, UNCHANGED
                if update.error:
                    raise update.error

    @user_errors
    def render_variations(self, request: gr.Request, photo: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        session, idle = self.context.session(request), gr.Timer(active=False)
        with session.rendering(arrival(request)) as cancel:
            with cancellable(cancel.is_set):
                asked = self._request(session, photo, values)
            results: list[tuple[int, str, str]] = []
            varied = variations(asked.settings)
            yield "", progress(0, len(varied), what="Picture"), UNCHANGED, *BUSY, idle
            line, error = status("Four variations, all saved in the history. Click one to see it large."), None
            for variation in varied:
                *_, update = self._render(asked, variation.settings, cancel)
                if update.saved is None:
                    line, error = update.status, update.error
                    break
                picture = update.picture or update.saved.thumbnail
                results.append((update.saved.number, picture, variation.label))
                bar = progress(len(results), len(varied), what="Picture")
                yield grid_html(results), bar, strip_of(session), *[UNCHANGED] * 5
            yield grid_html(results), line, UNCHANGED, *READY, UNCHANGED
            if error:
                raise error

    @user_errors
    def show_engine(self, engine: str) -> list[Any]:
        """Show the settings of the chosen engine, and the button for variations if it has a seed."""
        return [*self.form.engine_updates(engine), gr.update(visible=honours(engine, "seeded"))]

    def _request(self, session: Session, photo: Any, values: Sequence[Any]) -> Request:
        """The values of the inputs: the photo, then the weights, then the settings. Raises InputError."""
        current = self.context.photo_of(session, photo)
        return Request(session, current, mixed(session, values[:MAX_ROWS]), read_form(values[MAX_ROWS:]))

    def _render(self, asked: Request, settings: RenderSettings, cancel: Event) -> Iterator[RenderUpdate]:
        """Render the photo in full size."""

        def task() -> Task:
            return settings.task(self.context.full_picture(asked.photo), asked.style)

        return render_updates(self.context, asked.session, asked.photo, task, cancel, depth=settings.depth)


def opening_frame(context: AppContext) -> str:
    """The first example, painted already."""
    first = example_pairs()[0]
    painted = encoded_url(first.painted.read_bytes())
    return pair(context.example.url, painted, description=f"{first.label}, painted", badge="Example", hint=OWN_PHOTO)


def examples() -> list[tuple[str, str, str]]:
    """Label, small painting and credit of each example."""
    found: list[tuple[str, str, str]] = []
    for example in example_pairs():
        with Image.open(example.painted) as image:
            found.append((example.label, data_url(image, longest=THUMBNAIL), example.credit))
    return found


def random_seed() -> int:
    """A random seed that is short enough to read."""
    return secrets.randbelow(MAX_RANDOM_SEED)

"""Paint a mask: one style inside it, another style or the photo elsewhere. The result also comes as layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.components import Component

from diffstyle import InputError, Picture, Style, Task
from diffstyle.core.cancelling import cancellable
from diffstyle.formats.recipe import Recipe
from diffstyle_ui.app.arrival import arrival
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import DISABLED, ENABLED, UNCHANGED, bind
from diffstyle_ui.app.masked_tasks import masked_task, save_layers
from diffstyle_ui.app.parts import mixed, part_of
from diffstyle_ui.app.renders import render_updates
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.comparison import comparison, pair
from diffstyle_ui.widgets.drag_control import answered
from diffstyle_ui.widgets.html import IDLE, data_url, placeholder, status
from diffstyle_ui.widgets.mask_editor import mask_editor, photo_with_mask, read_mask
from diffstyle_ui.widgets.settings_form import RenderSettings, read_form
from diffstyle_ui.widgets.style_rows import MAX_ROWS

MIX, UNTOUCHED = "the mix of the first tab", "the photo, unchanged"
SAVED = "the saved picture's style inside its mask"
MAX_FEATHER = 80
EMPTY = placeholder("Brush over the photo", "The style is painted where you brush.")


class PaintTab:
    """Draws the tab; `connect` binds its events."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self.names = names = list(context.space.styles)
        with gr.Row(elem_classes="two-columns"):
            with gr.Column(scale=5, min_width=300):
                self.editor = mask_editor(elem_id="mask-editor")
                with gr.Row():
                    self.inside = gr.Dropdown(
                        [MIX, *names],
                        value="ukiyo-e",
                        label="Inside the mask",
                        info="A named style, or words.",
                        allow_custom_value=True,
                        elem_id="inside",
                    )
                    self.elsewhere = gr.Dropdown(
                        [UNTOUCHED, MIX, *names],
                        value=UNTOUCHED,
                        label="Elsewhere",
                        info="A named style, or words.",
                        allow_custom_value=True,
                        elem_id="elsewhere",
                    )
                self.feather = gr.Slider(
                    0, MAX_FEATHER, 12, step=1, label="Soft edge", info="In pixels of the photo.", elem_id="feather"
                )
            with gr.Column(scale=6, min_width=300, elem_classes="stage"):
                self.frame = comparison(elem_id="paint-frame", label="Photo and result", empty=EMPTY)
                self.status = gr.HTML(IDLE, elem_id="paint-status", apply_default_css=False)
                with gr.Row():
                    self.start = gr.Button("Render", variant="primary", elem_id="paint-render", scale=3, min_width=140)
                    self.cancel = gr.Button("Cancel", elem_id="paint-cancel", interactive=False, scale=1, min_width=90)
                self.files = gr.File(
                    label="Result, layers and mask", file_count="multiple", interactive=False, elem_id="layers"
                )

    @property
    def restored(self) -> list[Component]:
        """The components that `restore` returns updates for."""
        return [self.inside, self.elsewhere, self.feather]

    def connect(self, tab: gr.Tab, controls: Controls) -> None:
        """Bind the events of this tab; mix and settings are those of `controls`."""
        bind([tab.select], self.show_photo, [], [self.editor, self.frame])
        inputs = [self.inside, self.elsewhere, self.feather, *controls.rows.weights, *controls.form.inputs]
        frame = [self.frame, self.status]
        bind([self.editor.input], self.update_mask, inputs, [*frame, self.editor], kind="drag")
        choices = [self.inside.input, self.elsewhere.input, self.feather.input]
        bind(choices, self.preview, inputs, frame, kind="preview")
        outputs = [*frame, self.files, self.start, self.cancel]
        bind([self.start.click], self.render, inputs, outputs, kind="render")
        bind([self.cancel.click], controls.cancel, [], [self.cancel], kind="immediate")

    def restore(self, session: Session, recipe: Recipe) -> tuple[str | None, list[Any]]:
        """Restore the mask of a recipe, or that of its only region.

        Returns a sentence about it, None if the recipe has no mask, and the updates of `restored`.
        """
        regions = recipe.regions
        masks = [r.mask for r in regions] + ([] if recipe.mask is None else [recipe.mask])
        if len(masks) > 1:
            return "It has several masks, which the page cannot edit: use `diffstyle replay`.", [UNCHANGED] * 3
        if not masks:
            return None, [UNCHANGED] * 3
        session.mask_photo, session.mask = None, masks[0]
        session.masked_style = self.context.renderer.measure(regions[0].style) if regions else None
        feather = min(recipe.settings.feather, MAX_FEATHER)
        choices = gr.update(value=MIX), gr.update(value=UNTOUCHED)
        if regions:
            choices = gr.update(choices=[SAVED, MIX, *self.names], value=SAVED), gr.update(value=MIX)
        return "Its mask is on the Paint tab.", [*choices, feather]

    @user_errors
    def show_photo(self, request: gr.Request) -> tuple[Any, Any]:
        """Put the session's photo into the editor. The mask is kept while the photo stays the same."""
        session = self.context.session(request)
        photo = self.context.photo_or_example(session)
        if session.mask_photo == photo.path:
            return gr.update(), gr.update()
        restored = session.mask if session.mask_photo is None else None
        session.mask_photo, session.mask = photo.path, restored
        return photo_with_mask(photo.url, photo.small.size, restored), EMPTY

    @user_errors
    def update_mask(self, request: gr.Request, event: gr.EventData, *values: Any) -> tuple[Any, ...]:
        session = self.context.session(request)
        session.mask = read_mask(str(event.mask))
        return *self._preview(session, values), answered()

    @user_errors
    def preview(self, request: gr.Request, *values: Any) -> tuple[Any, ...]:
        return self._preview(self.context.session(request), values)

    def _preview(self, session: Session, values: Sequence[Any]) -> tuple[Any, ...]:
        if session.mask is None or session.mask.empty:
            return EMPTY, IDLE
        photo = self.context.photo_or_example(session)
        task = self._task(session, photo.small, values)
        feather = task.feather * max(photo.small.size) / max(photo.full_size)
        result = self.context.renderer.preview(replace(task, feather=feather))
        if session.rendering_now:
            return UNCHANGED, UNCHANGED
        seconds = sum(result.seconds.values())
        frame = pair(photo.url, data_url(result.picture), description="Preview")
        return frame, status(f"Preview in {seconds:.2f} s.")

    @user_errors
    def render(self, request: gr.Request, *values: Any) -> Iterator[tuple[Any, ...]]:
        session = self.context.session(request)
        with session.rendering(arrival(request)) as cancel:
            with cancellable(cancel.is_set):
                photo = self.context.photo_or_example(session)
                settings = self._settings(values)
                self._task(session, photo.small, values)  # reports missing inputs before the buttons change
            yield UNCHANGED, UNCHANGED, UNCHANGED, DISABLED, ENABLED
            update = None
            for update in render_updates(
                self.context,
                session,
                photo,
                lambda: self._task(session, self.context.full_picture(photo), values),
                cancel,
                depth=settings.depth,
                more=lambda result: save_layers(session.folder, result, session.mask) if session.mask else [],
            ):
                yield update.frame or UNCHANGED, update.status, UNCHANGED, UNCHANGED, UNCHANGED
            if update is not None:
                files: Any = [str(path) for path in update.files] if update.saved else UNCHANGED
                yield UNCHANGED, UNCHANGED, files, ENABLED, DISABLED
                if update.error:
                    raise update.error

    def _task(self, session: Session, content: Picture, values: Sequence[Any]) -> Task:
        """The task for the values of all inputs: styles, feather, weights, settings."""
        inside, elsewhere, _, *rest = values
        if session.mask is None or session.mask.empty:
            raise InputError("There is no mask yet: brush over the photo first.")
        weights = rest[:MAX_ROWS]
        around = None if elsewhere == UNTOUCHED else self._style(session, elsewhere, weights)
        return masked_task(content, self._style(session, inside, weights), around, session.mask, self._settings(values))

    def _settings(self, values: Sequence[Any]) -> RenderSettings:
        """The settings of the first tab, with the feather of this one."""
        _, _, feather, *rest = values
        asked = read_form(rest[MAX_ROWS:])
        return replace(asked, settings=replace(asked.settings, feather=feather))

    def _style(self, session: Session, choice: str, weights: Sequence[float]) -> Style:
        if choice == SAVED and session.masked_style is not None:
            return session.masked_style
        return mixed(session, weights) if choice == MIX else part_of(self.context, choice).style

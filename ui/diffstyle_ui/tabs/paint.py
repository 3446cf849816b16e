"""Brush styles onto the photo: layers of masks with a style each, and the photo or a style elsewhere."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.components import Component

from diffstyle import InputError, Result, Style, Task
from diffstyle.controls.selection import select
from diffstyle.core.cancelling import cancellable
from diffstyle.core.mask import Region
from diffstyle.formats.recipe import Recipe
from diffstyle_ui.app.arrival import arrival
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import DISABLED, ENABLED, UNCHANGED, bind, bind_after
from diffstyle_ui.app.masked_tasks import masked_task, regions_of, save_layers
from diffstyle_ui.app.parts import mixed, part_from_words, part_of, title_of
from diffstyle_ui.app.renders import render_updates
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.drag_control import answered
from diffstyle_ui.widgets.html import IDLE, data_url, status
from diffstyle_ui.widgets.mask_editor import (
    MAX_LAYERS,
    MIX,
    NAMED,
    PHOTO,
    SAVED,
    WORDS,
    Painting,
    PaintLayer,
    mask_editor,
    read_painting,
    scene_of,
    selected,
)
from diffstyle_ui.widgets.settings_form import EVERYTHING, RenderSettings, read_form
from diffstyle_ui.widgets.style_rows import MAX_ROWS

FIRST_STYLE = "ukiyo-e"
MAX_FEATHER = 80
_SELECTIONS = re.compile(r"subject|background|sky|box:\d{1,5},\d{1,5},\d{1,5},\d{1,5}")  # never a file


class PaintTab:
    """Draws the tab; `connect` binds its events."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        named = [(name, title_of(context, name)) for name in context.space.styles]
        with mask_editor(named, elem_id="mask-editor") as self.editor, gr.Column():
            self.feather = gr.Slider(
                0,
                MAX_FEATHER,
                12,
                step=1,
                label="Soft edge",
                info="In pixels of the photo.",
                elem_id="feather",
                buttons=[],
            )
            with gr.Row():
                self.start = gr.Button("Render", variant="primary", elem_id="paint-render", scale=3, min_width=140)
                self.cancel = gr.Button("Cancel", elem_id="paint-cancel", interactive=False, scale=1, min_width=90)
            self.status = gr.HTML(IDLE, elem_id="paint-status", apply_default_css=False)
            self.files = gr.File(
                label="Result, layers and mask",
                file_count="multiple",
                interactive=False,
                visible=False,
                elem_id="layers",
            )

    @property
    def restored(self) -> list[Component]:
        """The components that `restore` returns updates for."""
        return [self.feather]

    def connect(self, tab: gr.Tab, controls: Controls) -> None:
        """Bind the events of this tab; mix and settings are those of `controls`."""
        inputs = [self.editor, self.feather, *controls.rows.weights, *controls.form.inputs]
        shown = [self.editor, self.status]
        bind([tab.select], self.show_photo, inputs, [self.editor])
        for event in (
            bind([self.editor.input], self.preview, inputs, shown, kind="drag"),
            bind([self.feather.input], self.preview, inputs, shown, kind="preview"),
        ):
            bind_after(event, self.draft, inputs, shown, kind="draft")
        bind([self.editor.select], self.select, [], [self.editor])
        outputs = [*shown, self.files, self.start, self.cancel]
        bind([self.start.click], self.render, inputs, outputs, kind="render")
        bind([self.cancel.click], controls.cancel, [], [self.cancel], kind="immediate")

    def restore(self, session: Session, recipe: Recipe) -> tuple[str | None, list[Any]]:
        """Restore the mask and the regions of a recipe as layers.

        Returns a sentence about them, None if the recipe has neither, and the updates of `restored`.
        """
        regions = regions_of(recipe.style, recipe.mask, recipe.regions)
        if not regions:
            return None, [UNCHANGED]
        if len(regions) > MAX_LAYERS:
            replay = "render the picture with `diffstyle replay`"
            return f"It has {len(regions)} masks, and Paint at most {MAX_LAYERS} layers: {replay}.", [UNCHANGED]
        masked = recipe.mask is not None  # its style, that of the mix now, is then in the first layer
        session.saved_styles = tuple(self.context.renderer.measure(region.style) for region in recipe.regions)
        choices = [*([MIX] if masked else []), *(f"{SAVED}{n}" for n in range(len(recipe.regions)))]
        layers = [PaintLayer(region.mask, choice) for region, choice in zip(regions, choices, strict=True)]
        session.painting = Painting(tuple(layers), PHOTO if masked else MIX)
        session.restored += 1
        said = (
            "Its mask is on the Paint tab." if len(layers) == 1 else f"Its {len(layers)} layers are on the Paint tab."
        )
        return said, [min(recipe.settings.feather, MAX_FEATHER)]

    @user_errors
    def show_photo(self, request: gr.Request, _: Any, *values: Any) -> Any:
        """Show the session's photo. The painting is kept while the photo stays the same."""
        session = self.context.session(request)
        photo = self.context.photo_or_example(session)
        scene = scene_of(
            str(hash(photo.path)),
            photo.url,
            photo.small.size,
            mix=bool(session.parts),
            fallback=MIX if session.parts else NAMED + FIRST_STYLE,
            saved=[style.label[:60] for style in session.saved_styles],
            restored=(session.restored, session.painting) if session.restored else None,
            refresh=bool(session.painted_with) and session.painted_with != (session.parts, *values),
        )
        return gr.update(scene=scene)

    @user_errors
    def select(self, request: gr.Request, event: gr.EventData) -> Iterator[Any]:
        """Find what the visitor wants to add to the mask."""
        session, what = self.context.session(request), str(getattr(event, "what", ""))
        number = secrets.randbelow(2**40)
        photo = replace(self.context.photo_or_example(session).small, source="the photo")
        try:
            if _SELECTIONS.fullmatch(what) is None:
                raise InputError("Only the subject, the background, the sky or a box can be selected here.")
            mask = self.context.renderer.pictures.run(lambda: select(photo, what))
        except InputError:
            yield gr.update(selected=selected(None, number))
            raise
        yield gr.update(selected=selected(mask, number))

    @user_errors
    def preview(self, request: gr.Request, value: Any, *values: Any) -> tuple[Any, Any]:
        session = self.context.session(request)
        session.painting = painting = read_painting(value)
        session.preview_count += 1
        if not painting.layers:
            return gr.update(picture="", answered=answer()), IDLE
        task = self._small_task(session, painting, values)
        session.painted_with = (session.parts, *values)
        result = self.context.renderer.preview(task)
        if session.rendering_now:
            return answered(), UNCHANGED
        return self._shown(result, f"Preview in {sum(result.seconds.values()):.2f} s.")

    @user_errors
    def draft(self, request: gr.Request, value: Any, *values: Any) -> tuple[Any, Any]:
        """What the render will look like, in place of the preview; nothing if a newer preview was asked for."""
        session, painting = self.context.session(request), read_painting(value)
        number = session.preview_count
        if not painting.layers or session.rendering_now:
            return UNCHANGED, UNCHANGED
        result = self.context.renderer.draft(self._small_task(session, painting, values))
        if result is None or session.rendering_now or number != session.preview_count:
            return UNCHANGED, UNCHANGED
        seconds = sum(result.seconds.values())
        return self._shown(result, f"Preview in {seconds:.2f} s, a draft of the render.")

    @user_errors
    def render(self, request: gr.Request, value: Any, *values: Any) -> Iterator[tuple[Any, ...]]:
        session = self.context.session(request)
        with session.rendering(arrival(request)) as cancel:
            with cancellable(cancel.is_set):
                session.painting = painting = read_painting(value)
                photo = self.context.photo_or_example(session)
                regions = self._regions(session, painting, values)  # reports what is missing before the buttons change
                settings = self._settings(values)
                elsewhere = self._elsewhere(session, painting, values)
            session.painted_with = (session.parts, *values)
            yield UNCHANGED, UNCHANGED, UNCHANGED, DISABLED, ENABLED
            update = None
            for update in render_updates(
                self.context,
                session,
                photo,
                lambda: masked_task(self.context.full_picture(photo), regions, elsewhere, settings),
                cancel,
                depth=settings.depth,
                more=lambda result: save_layers(session.folder, result, regions),
            ):
                picture = gr.update(picture=update.picture) if update.picture else UNCHANGED
                yield picture, update.status, UNCHANGED, UNCHANGED, UNCHANGED
        if update is None:
            return
        files: Any = UNCHANGED
        if update.saved:
            files = gr.update(value=[str(path) for path in update.files], visible=True)
        shown = update.saved and session.painting == painting  # else a preview replaces the picture
        picture = UNCHANGED if shown else gr.update(picture=self._preview_url(session, values))
        yield picture, UNCHANGED, files, ENABLED, DISABLED
        if update.error:
            raise update.error

    def _shown(self, result: Result, line: str) -> tuple[Any, Any]:
        return gr.update(picture=data_url(result.picture), answered=answer()), status(line)

    def _preview_url(self, session: Session, values: Sequence[Any]) -> str:
        """The preview of the session's painting as a data URL; "" while there is none."""
        if not session.painting.layers:
            return ""
        return data_url(self.context.renderer.preview(self._small_task(session, session.painting, values)).picture)

    def _small_task(self, session: Session, painting: Painting, values: Sequence[Any]) -> Task:
        """The task on the small version of the photo, its edges as soft as they will look in full size."""
        photo = self.context.photo_or_example(session)
        regions, elsewhere = self._regions(session, painting, values), self._elsewhere(session, painting, values)
        task = masked_task(photo.small, regions, elsewhere, self._settings(values))
        return replace(task, feather=task.feather * max(photo.small.size) / max(photo.full_size))

    def _regions(self, session: Session, painting: Painting, values: Sequence[Any]) -> list[Region]:
        if all(layer.mask.empty for layer in painting.layers):
            raise InputError("There is no mask yet: brush over the photo first.")
        return [Region(layer.mask, self._style(session, layer.style, values)) for layer in painting.layers]

    def _elsewhere(self, session: Session, painting: Painting, values: Sequence[Any]) -> Style | None:
        return None if painting.rest == PHOTO else self._style(session, painting.rest, values)

    def _settings(self, values: Sequence[Any]) -> RenderSettings:
        """The settings of the first tab, with the feather of this one."""
        feather, *rest = values
        asked = read_form(rest[MAX_ROWS:])
        return replace(asked, settings=replace(asked.settings, feather=feather), only=EVERYTHING)

    def _style(self, session: Session, choice: str, values: Sequence[Any]) -> Style:
        """The style that a layer's `choice` stands for."""
        kind, _, name = choice.partition(":")
        kind, name = f"{kind}:", name.strip()
        if kind == MIX:
            return mixed(session, values[1 : 1 + MAX_ROWS])
        if kind == NAMED and name in self.context.space.styles:
            return part_of(self.context, name).style
        if kind == WORDS:
            if not name:
                raise InputError("A layer has no style yet: describe one in words, or choose another.")
            return part_from_words(self.context, name).style
        if kind == SAVED and name.isdecimal() and int(name) < len(session.saved_styles):
            return session.saved_styles[int(name)]
        raise InputError("The style of a layer is no longer available: choose another.")


def answer() -> int:
    """A new number for a property that only has to change."""
    return secrets.randbelow(2**40)

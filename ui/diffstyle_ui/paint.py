"""Brush where a style goes, and say what is elsewhere; the layers of the result can be had one by one."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from diffstyle import InputError, Picture, Result, Settings, Style, Task
from diffstyle.core.mask import Mask, Region
from diffstyle.formats.recipe import Recipe
from diffstyle_ui.compare import comparison, pair
from diffstyle_ui.desk import Desk
from diffstyle_ui.dragged import answer
from diffstyle_ui.easel import easel, mask_of, on_easel
from diffstyle_ui.form import settings_of
from diffstyle_ui.listen import listen
from diffstyle_ui.parts import MAX_PARTS, blended, look_of
from diffstyle_ui.plainly import plainly
from diffstyle_ui.render import watched
from diffstyle_ui.sessions import Session
from diffstyle_ui.shown import data_url
from diffstyle_ui.status import IDLE, said
from diffstyle_ui.stylise import OFF, ON, SAME, StyliseTab

TABLE, UNTOUCHED = "the styles of the first tab", "the photo as it is"
SAVED = "the saved picture's style there"
MAX_FEATHER = 80
EMPTY = '<div class="empty"><b>Brush over the photo</b>What you brush over takes the style.</div>'


class PaintTab:
    """Draws the tab; `wire` connects it with the first one."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.names = names = list(desk.space.styles)
        with gr.Row(elem_classes="two-columns"):
            with gr.Column(scale=5, min_width=300):
                self.easel = easel(elem_id="easel")
                with gr.Row():
                    self.inside = gr.Dropdown(
                        [TABLE, *names],
                        value="ukiyo-e",
                        label="Where you brush (a name, or words)",
                        allow_custom_value=True,
                        elem_id="inside",
                    )
                    self.elsewhere = gr.Dropdown(
                        [UNTOUCHED, TABLE, *names],
                        value=UNTOUCHED,
                        label="Elsewhere",
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
                    self.render = gr.Button("Render", variant="primary", elem_id="paint-render", scale=3, min_width=140)
                    self.cancel = gr.Button("Cancel", elem_id="paint-cancel", interactive=False, scale=1, min_width=90)
                self.files = gr.File(
                    label="Result, layers and mask", file_count="multiple", interactive=False, elem_id="layers"
                )

    def wire(self, tab: gr.Tab, stylise: StyliseTab) -> None:
        listen([tab.select], self.set_up, [], [self.easel, self.frame])
        table = [*stylise.parts.weights, *stylise.form.inputs]
        asked = [self.inside, self.elsewhere, self.feather, *table]
        shown = [self.frame, self.status]
        listen([self.easel.input], self.brushed, asked, [*shown, self.easel], kind="drag")
        choices = [self.inside.input, self.elsewhere.input, self.feather.input]
        listen(choices, self.preview, asked, shown, kind="preview")
        painted = [*shown, self.files, self.render, self.cancel]
        listen([self.render.click], self.paint, asked, painted, kind="render")
        listen([self.cancel.click], stylise.stop, [], [self.cancel], kind="now")

    @plainly
    def set_up(self, request: gr.Request) -> tuple[Any, Any]:
        """The photo of the first tab on the easel; what was painted stays while it is the same photo."""
        session = self.desk.session(request)
        photo = self.desk.photo_or_example(session)
        if session.easel == photo.path:
            return gr.update(), gr.update()
        waiting = session.mask if session.easel is None else None
        session.easel, session.mask = photo.path, waiting
        return on_easel(photo.shown, photo.small.size, waiting), EMPTY

    def restore(self, session: Session, recipe: Recipe) -> tuple[str | None, list[Any]]:
        """Bring the mask of a saved picture back, or its one region; a sentence on that, and what `restored` show."""
        regions = recipe.regions
        masks = [r.mask for r in regions] + ([] if recipe.mask is None else [recipe.mask])
        if len(masks) > 1:
            return "It has several masks, which stay in the file: `diffstyle replay` paints with them.", [SAME] * 3
        if not masks:
            return None, [SAME] * 3
        session.easel, session.mask = None, masks[0]
        session.saved = self.desk.studio.measured(regions[0].style) if regions else None
        feather = min(recipe.settings.feather, MAX_FEATHER)
        choices = gr.update(value=TABLE), gr.update(value=UNTOUCHED)
        if regions:
            choices = gr.update(choices=[SAVED, TABLE, *self.names], value=SAVED), gr.update(value=TABLE)
        return "Its mask is on the Paint tab.", [*choices, feather]

    @property
    def restored(self) -> list[Component]:
        return [self.inside, self.elsewhere, self.feather]

    @plainly
    def brushed(self, request: gr.Request, event: gr.EventData, *asked: Any) -> tuple[Any, ...]:
        session = self.desk.session(request)
        session.mask = mask_of(str(event.mask))
        return *(self._preview(session, asked) if not session.mask.empty else (EMPTY, IDLE)), answer()

    @plainly
    def preview(self, request: gr.Request, *asked: Any) -> tuple[Any, ...]:
        session = self.desk.session(request)
        return self._preview(session, asked) if session.mask and not session.mask.empty else (EMPTY, IDLE)

    def _preview(self, session: Session, asked: Sequence[Any]) -> tuple[Any, ...]:
        photo = self.desk.photo_or_example(session)
        task = self._task(session, photo.small, asked)
        feather = task.feather * max(photo.small.size) / max(photo.full)
        result = self.desk.studio.preview(replace(task, feather=feather))
        if session.busy:
            return SAME, SAME
        seconds = sum(result.seconds.values())
        return pair(photo.shown, data_url(result.picture), what="Preview"), said(f"Preview in {seconds:.2f} s.")

    @plainly
    def paint(self, request: gr.Request, *asked: Any) -> Iterator[tuple[Any, ...]]:
        session = self.desk.session(request)
        photo = self.desk.photo_or_example(session)
        self._task(session, photo.small, asked)  # says at once what is missing
        yield SAME, SAME, SAME, OFF, ON
        look = None
        for look in watched(self.desk, session, photo, lambda: self._task(session, self.desk.whole(photo), asked)):
            yield look.picture or SAME, look.status, SAME, SAME, SAME
        if look is not None:
            made = [look.kept.file, *layers(session, look.result, session.mask)] if look.kept and look.result else []
            yield SAME, SAME, [str(path) for path in made] or SAME, ON, OFF
            if look.failure:
                raise look.failure

    def _task(self, session: Session, content: Picture, asked: Sequence[Any]) -> Task:
        """Where the brush was, the one style; elsewhere the other, or the photo as it is."""
        inside, elsewhere, feather, *table = asked
        if session.mask is None or session.mask.empty:
            raise InputError("Nothing is painted yet: brush over the photo first.")
        settings = replace(settings_of(table[MAX_PARTS:]), feather=feather)
        weights = table[:MAX_PARTS]
        around = None if elsewhere == UNTOUCHED else self._style(session, elsewhere, weights)
        return masked(content, self._style(session, inside, weights), around, session.mask, settings)

    def _style(self, session: Session, words: str, weights: Sequence[float]) -> Style:
        if words == SAVED and session.saved is not None:
            return session.saved
        return blended(session, weights) if words == TABLE else look_of(self.desk, words).style


def masked(content: Picture, inside: Style, elsewhere: Style | None, mask: Mask, settings: Settings) -> Task:
    """`inside` where `mask` is, `elsewhere` around it; without one the photo stays as it is there."""
    mask = mask.resized(content.size)
    if elsewhere is None:
        return Task.of(content, inside, settings, mask=mask)
    return Task.of(content, elsewhere, settings, regions=(Region(mask, inside),))


def layers(session: Session, result: Result, mask: Mask | None) -> list[Path]:
    """The result where the brush was, the result elsewhere, and the mask: PNGs, the first two with alpha."""
    if mask is None:
        return []
    picture = result.picture
    soft = mask.resized(picture.size).feathered(result.task.feather)
    name = secrets.token_hex(4)
    brushed, rest, alone = (session.folder / f"{kind}-{name}.png" for kind in ("brushed", "elsewhere", "mask"))
    replace(picture, alpha=soft.values).to_pil().save(brushed)
    replace(picture, alpha=1 - soft.values).to_pil().save(rest)
    replace(picture, pixels=soft.values.expand(3, -1, -1), alpha=None).to_pil().convert("L").save(alone)
    return [brushed, rest, alone]

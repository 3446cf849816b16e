"""Between styles: along a path, on the map, or among four corners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from diffstyle import InputError, Settings, Style, Task
from diffstyle.controls.resize import fitted
from diffstyle_ui.app.context import Desk
from diffstyle_ui.app.events import listen, listen_after
from diffstyle_ui.app.parts import look_of
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.status import IDLE, said
from diffstyle_ui.app.user_errors import plainly
from diffstyle_ui.tabs.stylise import StyliseTab
from diffstyle_ui.widgets.comparison import comparison, pair
from diffstyle_ui.widgets.corner_pad import corner_weights, cornered, pad
from diffstyle_ui.widgets.drag_control import answer
from diffstyle_ui.widgets.html import data_url
from diffstyle_ui.widgets.style_map import at, style_map

STEPS = 5
STRIP_SIDE = 224
ENDS = ("ukiyo-e", "klimt-gold")
CORNERS = ("ukiyo-e", "stained-glass", "charcoal", "van-gogh-irises")
CSS = """
.strip { display: grid; grid-template-columns: repeat(5, 1fr); gap: 4px; }
.strip img { width: 100%; display: block; border-radius: 4px; }
"""
EMPTY = '<div class="empty"><b>Between two styles</b>Move a slider, the map or the pad: the picture follows.</div>'


class BlendTab:
    """Draws the tab; `wire` connects it with the first one."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        names = list(desk.space.styles)
        with gr.Row(elem_classes="two-columns"):
            with gr.Column(scale=5, min_width=300), gr.Tabs():
                with gr.Tab("Path"):
                    with gr.Row():
                        self.ends = [
                            gr.Dropdown(names, value=ENDS[n], label=label, allow_custom_value=True, elem_id=f"end-{n}")
                            for n, label in enumerate(("From (a name, or words)", "To"))
                        ]
                    self.way = gr.Slider(0, 1, 0.5, step=0.01, label="How far along", elem_id="way")
                    self.strip = gr.HTML("", elem_id="strip", label="The way", apply_default_css=False)
                with gr.Tab("Map"):
                    self.map = style_map(desk.space, elem_id="map")
                with gr.Tab("Four corners"):
                    self.corners: list[gr.Dropdown] = []
                    for row in (0, 2):
                        with gr.Row():
                            self.corners += [
                                gr.Dropdown(
                                    names,
                                    value=CORNERS[n],
                                    label=f"Corner {n + 1}",
                                    allow_custom_value=True,
                                    elem_id=f"corner-{n}",
                                    min_width=120,
                                )
                                for n in (row, row + 1)
                            ]
                    self.pad = pad([look_of(desk, name) for name in CORNERS], elem_id="pad")
            with gr.Column(scale=6, min_width=300, elem_classes="stage", elem_id="blend-stage"):
                self.frame = comparison(elem_id="blend-frame", label="Photo and blend", empty=EMPTY)
                self.status = gr.HTML(IDLE, elem_id="blend-status", apply_default_css=False)
                self.use = gr.Button("Use this blend", elem_id="use-blend", interactive=False)
        self.mix = gr.State({})

    def wire(self, tab: gr.Tab, tabs: gr.Tabs, stylise: StyliseTab) -> None:
        shown = [self.frame, self.status, self.mix, self.use]
        listen([self.way.input], self.along, [*self.ends, self.way], shown, kind="preview")
        ends = [e.input for e in self.ends]
        listen(ends, self.along, [*self.ends, self.way], shown, kind="preview")
        listen([tab.select, *ends], self.paint_strip, self.ends, [self.strip], kind="preview")
        listen([self.map.input], self.on_map, [], [*shown, self.map], kind="drag")
        listen([c.input for c in self.corners], self.show_corners, self.corners, [self.pad])
        listen([self.pad.input], self.on_pad, self.corners, [*shown, self.pad], kind="drag")
        used = listen([self.use.click], self.used(stylise), [self.mix], [tabs, *stylise.parts.shown])
        listen_after(used, stylise.preview, stylise.inputs, [stylise.compare, stylise.status], kind="preview")

    @plainly
    def along(self, request: gr.Request, start: str, end: str, way: float) -> tuple[Any, ...]:
        return self._painted(self.desk.session(request), {start: 1 - way, end: way} if start != end else {start: 1})

    @plainly
    def paint_strip(self, request: gr.Request, start: str, end: str) -> str:
        photo = self.desk.photo_or_example(self.desk.session(request)).small
        small = photo.resized(fitted(photo.size, STRIP_SIDE))
        ends = [look_of(self.desk, words).style for words in (start, end)]
        paths = Style.path(ends[0], ends[1], STEPS)
        urls = [data_url(self.desk.studio.preview(Task.of(small, style, Settings())).picture) for style in paths]
        images = "".join(f'<img src="{url}" alt="{n * 25} % of the way">' for n, url in enumerate(urls))
        return f'<div class="strip">{images}</div>'

    @plainly
    def on_map(self, request: gr.Request, event: gr.EventData) -> tuple[Any, ...]:
        mix = at(self.desk.space, float(event.x), float(event.y))
        return *self._painted(self.desk.session(request), mix), answer()

    @plainly
    def show_corners(self, *corners: str) -> str:
        return cornered([look_of(self.desk, words) for words in corners])

    @plainly
    def on_pad(self, request: gr.Request, event: gr.EventData, *corners: str) -> tuple[Any, ...]:
        mix: dict[str, float] = {}
        for words, weight in zip(corners, corner_weights(float(event.x), float(event.y)), strict=True):
            mix[words] = mix.get(words, 0) + weight
        return *self._painted(self.desk.session(request), mix), answer()

    def _painted(self, session: Session, mix: Mapping[str, float]) -> tuple[Any, ...]:
        photo = self.desk.photo_or_example(session)
        style = Style.mix([(look_of(self.desk, words).style, weight) for words, weight in mix.items() if weight > 0])
        result = self.desk.studio.preview(Task.of(photo.small, style, Settings()))
        words = ", ".join(f"{name} {weight:.0%}" for name, weight in mix.items() if weight >= 0.005)
        picture = pair(photo.shown, data_url(result.picture), what=f"A blend: {words}")
        return picture, said(f"{words} · {sum(result.seconds.values()):.2f} s"), dict(mix), gr.update(interactive=True)

    def used(self, stylise: StyliseTab) -> Any:
        @plainly
        def use(request: gr.Request, mix: Mapping[str, float]) -> list[Any]:
            session = self.desk.session(request)
            chosen = {words: weight for words, weight in mix.items() if weight > 0}
            if not chosen:
                raise InputError("There is no blend yet: move the slider, the map or the pad.")
            session.parts = tuple(look_of(self.desk, words) for words in chosen)
            weights = [round(weight / max(chosen.values()), 2) for weight in chosen.values()]
            return [gr.update(selected="stylise"), *stylise.parts.update(session, weights)]

        return use

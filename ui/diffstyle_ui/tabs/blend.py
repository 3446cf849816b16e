"""Mix styles: along a path between two, on a map, or between four corners."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from diffstyle import InputError, Style, Task
from diffstyle.core.picture import fitted
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import bind
from diffstyle_ui.app.parts import part_of
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.comparison import comparison, pair
from diffstyle_ui.widgets.corner_pad import corner_pad, corner_weights, pad_html
from diffstyle_ui.widgets.drag_control import answered
from diffstyle_ui.widgets.html import IDLE, data_url, placeholder, status
from diffstyle_ui.widgets.style_map import style_map, weights_at

STEPS = 5
STRIP_SIDE = 224
ENDS = ("ukiyo-e", "klimt-gold")
CORNERS = ("ukiyo-e", "stained-glass", "charcoal", "van-gogh-irises")
CSS = """
.strip { display: grid; grid-template-columns: repeat(5, 1fr); gap: 4px; }
.strip img { width: 100%; display: block; border-radius: 4px; }
"""
EMPTY = placeholder("Mix styles", "Move the slider, the map's marker or the pad's handle to see a mix.")


class BlendTab:
    """Draws the tab; `connect` binds its events."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self.names = list(context.space.styles)
        with gr.Row(elem_classes="two-columns"):
            with gr.Column(scale=5, min_width=300), gr.Tabs():
                with gr.Tab("Path"):
                    self._draw_path()
                with gr.Tab("Map"):
                    self.map = style_map(context.space, elem_id="map")
                with gr.Tab("Four corners"):
                    self._draw_corners()
            with gr.Column(scale=6, min_width=300, elem_classes="stage", elem_id="blend-stage"):
                self.frame = comparison(elem_id="blend-frame", label="Photo and mix", empty=EMPTY)
                self.status = gr.HTML(IDLE, elem_id="blend-status", apply_default_css=False)
                self.use = gr.Button("Use this mix", elem_id="use-blend", interactive=False)
        self.mix = gr.State({})  # the weights that are shown, by name or words

    def _draw_path(self) -> None:
        with gr.Row():
            self.ends = [
                gr.Dropdown(self.names, value=ENDS[n], label=label, allow_custom_value=True, elem_id=f"end-{n}")
                for n, label in enumerate(("From (a name, or words)", "To"))
            ]
        self.position = gr.Slider(0, 1, 0.5, step=0.01, label="Position", elem_id="position")
        self.strip = gr.HTML("", elem_id="strip", label="Steps of the path", apply_default_css=False)

    def _draw_corners(self) -> None:
        self.corners: list[gr.Dropdown] = []
        for row in (0, 2):
            with gr.Row():
                self.corners += [
                    gr.Dropdown(
                        self.names,
                        value=CORNERS[n],
                        label=f"Corner {n + 1}",
                        allow_custom_value=True,
                        elem_id=f"corner-{n}",
                        min_width=120,
                    )
                    for n in (row, row + 1)
                ]
        self.pad = corner_pad([part_of(self.context, name) for name in CORNERS], elem_id="pad")

    def connect(self, tab: gr.Tab, tabs: gr.Tabs, controls: Controls) -> None:
        """Bind the events of this tab, `tab` of `tabs`; `controls` receive the mix that the visitor wants to use."""
        outputs = [self.frame, self.status, self.mix, self.use]
        bind([self.position.input], self.preview_path, [*self.ends, self.position], outputs, kind="preview")
        ends = [e.input for e in self.ends]
        bind(ends, self.preview_path, [*self.ends, self.position], outputs, kind="preview")
        bind([tab.select, *ends], self.preview_strip, self.ends, [self.strip], kind="preview")
        bind([self.map.input], self.preview_map, [], [*outputs, self.map], kind="drag")
        bind([c.input for c in self.corners], self.show_corners, self.corners, [self.pad])
        bind([self.pad.input], self.preview_pad, self.corners, [*outputs, self.pad], kind="drag")
        used = bind([self.use.click], self._use_handler(controls), [self.mix], [tabs, *controls.rows.outputs])
        controls.preview_after(used)

    @user_errors
    def preview_path(self, request: gr.Request, start: str, end: str, position: float) -> tuple[Any, ...]:
        mix = {start: 1 - position, end: position} if start != end else {start: 1}
        return self._preview(self.context.session(request), mix)

    @user_errors
    def preview_strip(self, request: gr.Request, start: str, end: str) -> str:
        photo = self.context.photo_or_example(self.context.session(request)).small
        small = photo.resized(fitted(photo.size, STRIP_SIDE))
        ends = [part_of(self.context, words).style for words in (start, end)]
        tasks = [Task(small, style) for style in Style.path(ends[0], ends[1], STEPS)]
        urls = [data_url(self.context.renderer.preview(task).picture) for task in tasks]
        percent = 100 // (STEPS - 1)
        images = "".join(f'<img src="{url}" alt="{n * percent} % of the path">' for n, url in enumerate(urls))
        return f'<div class="strip">{images}</div>'

    @user_errors
    def preview_map(self, request: gr.Request, event: gr.EventData) -> tuple[Any, ...]:
        mix = weights_at(self.context.space, float(event.x), float(event.y))
        return *self._preview(self.context.session(request), mix), answered()

    @user_errors
    def show_corners(self, *corners: str) -> str:
        return pad_html([part_of(self.context, words) for words in corners])

    @user_errors
    def preview_pad(self, request: gr.Request, event: gr.EventData, *corners: str) -> tuple[Any, ...]:
        mix: dict[str, float] = {}
        for words, weight in zip(corners, corner_weights(float(event.x), float(event.y)), strict=True):
            mix[words] = mix.get(words, 0) + weight
        return *self._preview(self.context.session(request), mix), answered()

    def _preview(self, session: Session, mix: Mapping[str, float]) -> tuple[Any, ...]:
        photo = self.context.photo_or_example(session)
        parts = [(part_of(self.context, words).style, weight) for words, weight in mix.items() if weight > 0]
        result = self.context.renderer.preview(Task(photo.small, Style.mix(parts)))
        words = ", ".join(f"{name} {weight:.0%}" for name, weight in mix.items() if weight >= 0.005)
        frame = pair(photo.url, data_url(result.picture), description=f"A mix: {words}")
        line = status(f"{words} · {sum(result.seconds.values()):.2f} s")
        return frame, line, dict(mix), gr.update(interactive=True)

    def _use_handler(self, controls: Controls) -> Callable[..., list[Any]]:
        @user_errors
        def use(request: gr.Request, mix: Mapping[str, float]) -> list[Any]:
            session = self.context.session(request)
            chosen = {words: weight for words, weight in mix.items() if weight > 0}
            if not chosen:
                raise InputError("There is no mix yet: move the slider, the map's marker or the pad's handle.")
            session.parts = tuple(part_of(self.context, words) for words in chosen)
            weights = [round(weight / max(chosen.values()), 2) for weight in chosen.values()]
            return [gr.update(selected="stylise"), *controls.rows.updates(session.parts, weights)]

        return use

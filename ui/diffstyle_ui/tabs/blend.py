"""Mix styles: along a path between two, on a map, or between four corners."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import gradio as gr

from diffstyle import InputError, Result, Style, Task
from diffstyle.core.picture import fitted
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import UNCHANGED, bind, bind_after
from diffstyle_ui.app.parts import part_of, titles, words_of
from diffstyle_ui.app.sessions import Photo, Session
from diffstyle_ui.app.thumbnails import photo_name
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets import path_strip
from diffstyle_ui.widgets.comparison import comparison, pair
from diffstyle_ui.widgets.corner_pad import corner_pad, corner_weights, pad_html
from diffstyle_ui.widgets.drag_control import answered
from diffstyle_ui.widgets.html import IDLE, data_url, placeholder, status
from diffstyle_ui.widgets.style_map import BATCH, painted, place_of, style_map, weights_at

STEPS = 5
STRIP_SIDE, CORNER_SIDE = 192, 288
MIDDLE = 0.5
MIDDLES = (MIDDLE, MIDDLE)
ENDS = ("ukiyo-e", "klimt-gold")
CORNERS = ("ukiyo-e", "stained-glass", "charcoal", "van-gogh-irises")
CSS = (
    path_strip.CSS
    + """
.gradio-container { overflow: clip !important; }  /* hidden, as Gradio has it, keeps nothing in view */
#blend-foot { align-items: center; } #blend-foot > .html-container { flex: 3 1 0; }
#use-blend { flex: 1 0 auto; min-width: 140px; }
@media (max-width: 760px) {
  #blend-columns { flex-direction: column; flex-wrap: nowrap; }
  #blend-stage { position: sticky; top: 0; gap: 6px; padding-top: 6px;
    border-bottom: 1px solid var(--border-color-primary); }
  #blend-stage .compare img { max-height: 30vh; }
  #blend-status .status { display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; overflow: hidden; }
  #blend-foot { flex-wrap: nowrap; }
}
"""
)
EMPTY = placeholder("Mix styles", "Move the slider, the map's marker or the pad's handle to see a mix.")


class BlendTab:
    """Draws the tab; `connect` binds its events."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self.titles = titles(context)
        with gr.Row(elem_classes="two-columns", elem_id="blend-columns"):
            with gr.Column(scale=5, min_width=300), gr.Tabs():
                with gr.Tab("Path") as self.path_tab:
                    self._draw_path()
                with gr.Tab("Map") as self.map_tab:
                    self.map = style_map(context.space, self.titles, elem_id="map")
                with gr.Tab("Four corners") as self.pad_tab:
                    self._draw_corners()
            with gr.Column(scale=6, min_width=300, elem_classes="stage", elem_id="blend-stage"):
                self.frame = comparison(elem_id="blend-frame", label="Photo and mix", empty=EMPTY)
                with gr.Row(elem_id="blend-foot"):
                    self.status = gr.HTML(IDLE, elem_id="blend-status", apply_default_css=False)
                    self.use = gr.Button(
                        "Use this mix", variant="primary", elem_id="use-blend", interactive=False, scale=0, size="md"
                    )
        self.mix = gr.State({})  # the weights that are shown, by name or words
        self.begun = gr.State(False)  # whether the tab was opened before
        self.path_seen = gr.State(False)  # whether the path was selected, as it is when the tab is opened first
        self.map_place = gr.State(None)
        self.pad_place = gr.State(MIDDLES)

    @property
    def _choices(self) -> list[tuple[str, str]]:
        """Title and name of each style."""
        return sorted((title, name) for name, title in self.titles.items())

    def _draw_path(self) -> None:
        with gr.Row():
            self.ends = [
                gr.Dropdown(self._choices, value=ENDS[n], label=label, allow_custom_value=True, elem_id=f"end-{n}")
                for n, label in enumerate(("From (a name, or words)", "To"))
            ]
        self.position = gr.Slider(0, 1, MIDDLE, step=0.01, label="Position", elem_id="position", buttons=[])
        self.strip = path_strip.path_strip(elem_id="strip", at=MIDDLE)

    def _draw_corners(self) -> None:
        self.corners: list[gr.Dropdown] = []
        for row in (0, 2):
            with gr.Row():
                self.corners += [
                    gr.Dropdown(
                        self._choices,
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
        path, on_path = [*self.ends, self.position], [*outputs, self.strip]
        ends = [e.input for e in self.ends]
        chosen = [self.begun, *self.ends, *self.corners]
        opened = bind([tab.select], self.show_mix, [self.begun, self.mix, *path], [*outputs, *chosen], kind="preview")
        previews = [opened]
        steps = [
            bind_after(opened, self.preview_strip, self.ends, [self.strip], kind="preview"),
            bind(ends, self.preview_strip, self.ends, [self.strip], kind="preview"),
        ]
        bind([tab.select], self.show_map, [], [self.map])
        previews.append(bind([self.position.input, *ends], self.preview_path, path, on_path, kind="preview"))
        seen = self.path_seen
        previews += [
            bind([self.path_tab.select], self.open_path, [seen, *path], [*on_path, seen], kind="preview"),
            bind([self.strip.select], self.choose_step, self.ends, [*on_path, self.position], kind="drag"),
        ]
        on_map = [*outputs, self.map, self.map_place]
        previews += [
            bind([self.map_tab.select], self.open_map, [self.map_place], on_map, kind="preview"),
            bind([self.map.input], self.preview_map, [], on_map, kind="drag"),
        ]
        bind([self.map.select], self.paint_map, [], [self.map], kind="drag")
        corners, on_pad = [self.pad_place, *self.corners], [*outputs, self.pad, self.pad_place]
        drawn = [self.pad_tab.select, *(c.input for c in self.corners)]
        bind(drawn, self.show_corners, self.corners, [self.pad], kind="preview")
        previews += [
            bind([self.pad_tab.select], self.open_pad, corners, outputs, kind="preview"),
            bind([self.pad.input], self.preview_pad, self.corners, on_pad, kind="drag"),
        ]
        for preview in previews:
            bind_after(preview, self.draft, [self.mix], [self.frame, self.status], kind="draft")
        for step in steps:
            bind_after(step, self.draft_strip, self.ends, [self.strip], kind="draft")
        used = bind([self.use.click], self._use_handler(controls), [self.mix], [tabs, *controls.rows.outputs])
        controls.preview_after(used)

    @user_errors
    def show_mix(self, request: gr.Request, begun: bool, mix: Mapping[str, float], *path: Any) -> tuple[Any, ...]:
        """The mix that was shown, with the photo as it is now. When the tab is opened first, that of a path whose ends,
        like the corners, are the styles of the first tab, then others.
        """
        session = self.context.session(request)
        if begun:
            session.news("path", *path[:3])
            shown = self._preview(session, mix or _on_path(path[0], path[1], path[2]))
            return *shown, True, *[UNCHANGED] * (len(ENDS) + len(CORNERS))
        own = [words for part in session.parts if (words := words_of(part))]
        ends, corners = ([*dict.fromkeys([*own, *others])][: len(others)] for others in (ENDS, CORNERS))
        session.news("path", ends[0], ends[1], path[2])
        return *self._preview(session, _on_path(ends[0], ends[1], path[2])), True, *ends, *corners

    @user_errors
    def preview_path(self, request: gr.Request, start: str, end: str, position: float) -> tuple[Any, ...]:
        session = self.context.session(request)
        if not session.news("path", start, end, position):
            return (UNCHANGED,) * 5
        return *self._preview(session, _on_path(start, end, position)), path_strip.at(position)

    @user_errors
    def open_path(self, request: gr.Request, seen: bool, start: str, end: str, position: float) -> tuple[Any, ...]:
        """The mix on the path; nothing while the tab is opened first, when `show_mix` chooses the ends."""
        if not seen:
            return *(UNCHANGED,) * 5, True
        mix = _on_path(start, end, position)
        return *self._preview(self.context.session(request), mix), path_strip.at(position), True

    @user_errors
    def choose_step(self, request: gr.Request, event: gr.EventData, start: str, end: str) -> tuple[Any, ...]:
        position = min(1.0, max(0.0, float(event.at)))
        mix = _on_path(start, end, position)
        return *self._preview(self.context.session(request), mix), path_strip.at(position), position

    @user_errors
    def preview_strip(self, request: gr.Request, start: str, end: str) -> Any:
        session = self.context.session(request)
        current = self.context.photo_or_example(session)
        if not session.news("strip", current.path, start, end):
            return UNCHANGED
        tasks = self._steps(current, start, end)
        session.strip_drafted = False
        urls = [data_url(self.context.renderer.preview(task).picture) for task in tasks]
        return path_strip.strip_html(urls)

    @user_errors
    def draft_strip(self, request: gr.Request, start: str, end: str) -> Any:
        """The steps as they will be rendered, in place of their previews; nothing while something else is painted."""
        session = self.context.session(request)
        current = self.context.photo_or_example(session)
        asked = ("strip", current.path, start, end)
        if session.strip_drafted or not session.shows(*asked):
            return UNCHANGED
        drafts = [self.context.renderer.draft(task) for task in self._steps(current, start, end)]
        if any(draft is None for draft in drafts) or not session.shows(*asked):
            return UNCHANGED
        session.strip_drafted = True
        return path_strip.strip_html([data_url(draft.picture) for draft in drafts if draft is not None])

    def _steps(self, photo: Photo, start: str, end: str) -> list[Task]:
        """The photo, small, in the styles of the path."""
        small = photo.small.resized(fitted(photo.small.size, STRIP_SIDE))
        ends = [part_of(self.context, words).style for words in (start, end)]
        return [Task(small, style) for style in Style.path(ends[0], ends[1], STEPS)]

    @user_errors
    def show_map(self, request: gr.Request) -> Any:
        """Let the map ask for pictures of the photo as it is now."""
        return painted(self._photo_name(self.context.session(request)), {})

    @user_errors
    def paint_map(self, request: gr.Request, event: gr.EventData) -> Any:
        """Paint the photo small in the styles that the map asks for."""
        session, styles = self.context.session(request), self.context.space.styles
        asked = [name for name in list(event.names)[:BATCH] if isinstance(name, str) and name in styles]
        name = self._photo_name(session)
        return painted(name, {n: self.context.thumbnail(session, styles[n], n) for n in asked})

    def _photo_name(self, session: Session) -> str:
        return photo_name(self.context.photo_or_example(session).path)

    @user_errors
    def open_map(self, request: gr.Request, place: tuple[float, float] | None) -> tuple[Any, ...]:
        """The mix at the marker, which begins where the styles of the first tab are."""
        session = self.context.session(request)
        at = tuple(place) if place else place_of(self.context.space, [part.key for part in session.parts])
        return *self._preview(session, weights_at(self.context.space, *at)), gr.update(at=list(at)), at

    @user_errors
    def preview_map(self, request: gr.Request, event: gr.EventData) -> tuple[Any, ...]:
        at = (float(event.x), float(event.y))
        return *self._preview(self.context.session(request), weights_at(self.context.space, *at)), answered(), at

    @user_errors
    def show_corners(self, request: gr.Request, *corners: str) -> Any:
        """The pad with the photo in the style of each corner."""
        session = self.context.session(request)
        if not session.news("corners", self.context.photo_or_example(session).path, *corners):
            return UNCHANGED
        parts = [part_of(self.context, words) for words in corners]
        urls = [
            self.context.thumbnail(session, part.style, words, side=CORNER_SIDE)
            for part, words in zip(parts, corners, strict=True)
        ]
        return pad_html([replace(part, thumbnail=url) for part, url in zip(parts, urls, strict=True)])

    @user_errors
    def preview_pad(self, request: gr.Request, event: gr.EventData, *corners: str) -> tuple[Any, ...]:
        at = (float(event.x), float(event.y))
        return *self._preview(self.context.session(request), _on_pad(at, corners)), answered(), at

    @user_errors
    def open_pad(self, request: gr.Request, place: Sequence[float], *corners: str) -> tuple[Any, ...]:
        """The mix at the pad's handle."""
        return self._preview(self.context.session(request), _on_pad((place[0], place[1]), corners))

    def _preview(self, session: Session, mix: Mapping[str, float]) -> tuple[Any, ...]:
        session.mix_count += 1
        session.news("mix", dict(mix))
        photo, (style, words) = self.context.photo_or_example(session), self._mixed(mix)
        task = Task(photo.small, style)
        result = self.context.renderer.preview(task)
        if self.context.renderer.is_instant(task):
            session.drafted_mix = session.mix_count
        return *_shown(photo, result, words), dict(mix), gr.update(interactive=True)

    @user_errors
    def draft(self, request: gr.Request, mix: Mapping[str, float]) -> tuple[Any, Any]:
        """What a render of the mix will look like, in place of the preview; nothing if there is a newer preview."""
        session = self.context.session(request)
        number = session.mix_count
        if not session.shows("mix", dict(mix)) or number == session.drafted_mix:
            return UNCHANGED, UNCHANGED
        photo, (style, words) = self.context.photo_or_example(session), self._mixed(mix)
        result = self.context.renderer.draft(Task(photo.small, style))
        if result is None or number != session.mix_count:
            return UNCHANGED, UNCHANGED
        session.drafted_mix = number
        return _shown(photo, result, words, ", a draft of the render")

    def _mixed(self, mix: Mapping[str, float]) -> tuple[Style, str]:
        """The style and the words for weights by name."""
        parts = [(part_of(self.context, words), weight) for words, weight in mix.items() if weight > 0]
        style = Style.mix([(part.style, weight) for part, weight in parts])
        return style, " · ".join(f"{part.label} {weight:.0%}" for part, weight in parts if weight >= 0.005)

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


def _shown(photo: Photo, result: Result, words: str, what: str = "") -> tuple[str, str]:
    """The frame and the status line for a mix."""
    frame = pair(photo.url, data_url(result.picture), description=f"A mix: {words}")
    return frame, status(f"{words} ({sum(result.seconds.values()):.2f} s{what})")


def _on_path(start: str, end: str, position: float) -> dict[str, float]:
    """The mix at a position of the path."""
    return {start: 1 - position, end: position} if start != end else {start: 1}


def _on_pad(at: tuple[float, float], corners: Sequence[str]) -> dict[str, float]:
    """The mix at a place of the pad; corners may be alike."""
    mix: dict[str, float] = {}
    for words, weight in zip(corners, corner_weights(*at), strict=True):
        mix[words] = mix.get(words, 0) + weight
    return mix

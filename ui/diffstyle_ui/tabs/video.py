"""Paint a clip in the style of the first tab: its first second at once, then the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from diffstyle import InputError
from diffstyle.core.cancelling import cancellable
from diffstyle.core.fields import FieldInfo, fields_of
from diffstyle.video.settings import Steadiness
from diffstyle_ui.app.arrival import arrival
from diffstyle_ui.app.clip_renders import AskedClip, clip_updates, first_second, saved_player
from diffstyle_ui.app.clips import UploadedClip, read_clip
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.controls import Controls
from diffstyle_ui.app.events import DISABLED, ENABLED, UNCHANGED, Widget, bind, bind_after
from diffstyle_ui.app.parts import mixed
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.uploads import upload_path
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.clip_player import clip_player
from diffstyle_ui.widgets.html import IDLE, placeholder, status
from diffstyle_ui.widgets.settings_form import read_form
from diffstyle_ui.widgets.style_rows import MAX_ROWS
from diffstyle_ui.widgets.versions import version_strip, versions_html

EMPTY = placeholder(
    "Paint a clip",
    "Drop one: its first second is painted at once, in the style of the first tab.<br>Render does the rest.",
)
FILES = (  # of some, browsers know no type
    *("video", ".gif", ".webp", ".apng", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts"),
    *(".m2ts", ".mts", ".wmv", ".flv", ".ogv", ".3gp", ".mxf"),
)
SIZES = (("Small, 360", 360), ("480", 480), ("640", 640), ("960", 960), ("1280", 1280), ("That of the clip", 0))
USUAL_SIZE = 640
LABELS: Mapping[str, str] = {"steady": "Steadiness", "every": "Paint every n-th frame"}
MOST_EVERY = 12
NO_CLIP = "There is no clip yet: add one first."
CSS = """
#clip-times .form, #clip-size-row .form { min-width: 0; }
@media (max-width: 760px) { #video-columns { flex-direction: column; }
  #video-stage { position: static; } #video-stage .empty { min-height: 90px; } }
"""


class VideoTab:
    """Draws the tab; `connect` binds its events."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        fields = {info.name: info for info in fields_of(Steadiness)}
        with gr.Row(elem_classes="two-columns", elem_id="video-columns"):
            with gr.Column(scale=5, min_width=300):
                self.file = gr.File(
                    label="A clip: video, GIF or WebP", file_types=list(FILES), height=140, elem_id="clip-file"
                )
                with gr.Row(elem_id="clip-times"):
                    self.begin = _time("From", "the beginning", "clip-from")
                    self.end = _time("To", "the end", "clip-to")
                self.size = gr.Dropdown(
                    list(SIZES),
                    value=USUAL_SIZE,
                    label="Size",
                    info="The longest side, in pixels. A clip is never enlarged.",
                    elem_id="clip-size",
                )
                self.steady = _slider(fields["steady"], 1)
                self.every = _slider(fields["every"], MOST_EVERY)
            with gr.Column(scale=6, min_width=300, elem_classes="stage", elem_id="video-stage"):
                self.player = clip_player(elem_id="clip-player", label="Original and painted clip", empty=EMPTY)
                self.status = gr.HTML(IDLE, elem_id="video-status", apply_default_css=False)
                with gr.Row():
                    self.start = gr.Button(
                        "Render", variant="primary", elem_id="video-render", interactive=False, scale=3, min_width=140
                    )
                    self.cancel = gr.Button("Cancel", elem_id="video-cancel", interactive=False, scale=1, min_width=90)
                self.strip = version_strip(elem_id="clips")
                self.timer = gr.Timer(1.0, active=False)

    def connect(self, tab: gr.Tab, controls: Controls) -> None:
        """Bind the events of this tab; mix and settings are those of `controls`."""
        asked = [self.begin, self.end, self.size, self.steady, self.every]
        inputs: list[Widget] = [*asked, *controls.rows.weights, *controls.form.inputs]
        shown: list[Widget] = [self.player, self.status]
        added = bind([self.file.upload], self.add, [self.file], [*shown, self.begin, self.end, self.start])
        bind_after(added, self.preview, inputs, shown, kind="preview")
        bind([self.file.clear], self.remove, [], [*shown, self.start])
        bind([tab.select], self.open, inputs, [*shown, self.strip], kind="preview")
        times = [getattr(box, event) for box in (self.begin, self.end) for event in ("submit", "blur")]
        moved = [getattr(slider, "release") for slider in (self.steady, self.every)]  # noqa: B009 - Gradio adds events at run time
        bind([*times, *moved], self.edit, inputs, shown, kind="preview")
        buttons: list[Widget] = [self.start, self.cancel, self.timer]
        outputs = [*shown, self.strip, *buttons]
        bind([self.start.click], self.queued, [], buttons, kind="immediate")
        bind([self.timer.tick], controls.place, [], [self.status], kind="immediate")
        render = bind([self.start.click], self.render, inputs, outputs, kind="render")
        bind_after(render, self.ready, [], [*buttons, self.status], kind="immediate", failed=True)
        bind([self.cancel.click], controls.cancel, [], [self.cancel], kind="immediate")
        bind([self.strip.select], self.choose, [], shown)

    @user_errors
    def add(self, request: gr.Request, payload: Any) -> tuple[Any, ...]:
        """Read a new clip; what is longer than the limits begins with the part that they allow."""
        session, limits = self.context.session(request), self.context.limits
        session.clip = None
        path = upload_path(session, payload, "a clip")
        session.clip = clip = self.context.renderer.pictures.run(lambda: read_clip(path, limits))
        long = clip.duration is not None and clip.duration > limits.max_clip_seconds
        end = str(limits.max_clip_seconds) if long else ""
        return UNCHANGED, status(clip.facts), "", end, ENABLED

    @user_errors
    def remove(self, request: gr.Request) -> tuple[Any, ...]:
        self.context.session(request).clip = None
        return EMPTY, IDLE, DISABLED

    @user_errors
    def open(self, request: gr.Request, *values: Any) -> tuple[Any, ...]:
        """The first second in the style as it is now, or the last clip that is kept."""
        session = self.context.session(request)
        strip = _strip(session)
        if session.clip is None:
            last = session.clips[-1] if session.clips else None
            return (saved_player(last), status(last.label), strip) if last else (UNCHANGED, UNCHANGED, strip)
        if not session.parts or session.rendering_now:
            return UNCHANGED, UNCHANGED, strip
        return *self._first_second(session, values), strip

    @user_errors
    def edit(self, request: gr.Request, *values: Any) -> tuple[Any, Any]:
        session = self.context.session(request)
        if session.clip is None or session.rendering_now:
            return UNCHANGED, UNCHANGED
        return self._first_second(session, values)

    @user_errors
    def preview(self, request: gr.Request, *values: Any) -> tuple[Any, Any]:
        """The first second of a new clip."""
        session = self.context.session(request)
        session.news("first second")
        return self._first_second(session, values)

    def queued(self) -> tuple[Any, ...]:
        """A render was asked for: it may wait, and can be cancelled already."""
        return DISABLED, ENABLED, gr.Timer(active=True)

    def ready(self) -> tuple[Any, ...]:
        """The render failed, was refused, or was withdrawn while it waited."""
        return ENABLED, DISABLED, gr.Timer(active=False), IDLE

    @user_errors
    def render(self, request: gr.Request, *values: Any) -> Iterator[tuple[Any, ...]]:
        session = self.context.session(request)
        with session.rendering(arrival(request)) as cancel:
            with cancellable(cancel.is_set):
                asked = self._asked(session, values)
            session.news("first second")  # the next one is painted anew
            yield *[UNCHANGED] * 3, DISABLED, ENABLED, gr.Timer(active=False)
            update = None
            for update in clip_updates(self.context, session, asked, cancel):
                strip = _strip(session) if update.saved else UNCHANGED
                yield update.player or UNCHANGED, update.status, strip, *[UNCHANGED] * 3
        yield *[UNCHANGED] * 3, ENABLED, DISABLED, UNCHANGED
        if update is not None and update.error:
            raise update.error

    @user_errors
    def choose(self, request: gr.Request, event: gr.EventData) -> tuple[Any, Any]:
        """One of the clips that are kept."""
        session = self.context.session(request)
        session.news("first second")
        saved = session.result(int(event.n), moving=True)
        return saved_player(saved), status(saved.label)

    def _first_second(self, session: Session, values: Sequence[Any]) -> tuple[Any, Any]:
        asked = self._asked(session, values)
        key = (asked.upload.path, asked.style, asked.settings, asked.cut, asked.steadiness)
        if not session.news("first second", *key):
            return UNCHANGED, UNCHANGED
        update = first_second(self.context, session, asked)
        if session.rendering_now or not session.shows("first second", *key):
            return UNCHANGED, UNCHANGED
        return update.player, update.status

    def _asked(self, session: Session, values: Sequence[Any]) -> AskedClip:
        """The values of the inputs: those of this tab, then the weights, then the settings. Raises InputError."""
        begin, end, size, steady, every, *rest = values
        if session.clip is None:
            raise InputError(NO_CLIP)
        clip: UploadedClip = session.clip
        return AskedClip(
            clip,
            mixed(session, rest[:MAX_ROWS]),
            read_form(rest[MAX_ROWS:]),
            clip.cut(str(begin or ""), str(end or ""), self.context.limits),
            Steadiness(steady=steady, every=every),
            int(size) or None,
        )


def _strip(session: Session) -> str:
    return versions_html([(clip.number, clip.thumbnail, clip.label) for clip in session.clips])


def _time(label: str, placeholder: str, elem_id: str) -> gr.Textbox:
    return gr.Textbox(
        "",
        label=label,
        info="Seconds, or minutes:seconds.",
        placeholder=placeholder,
        max_lines=1,
        elem_id=elem_id,
        min_width=120,
    )


def _slider(info: FieldInfo, most: int) -> gr.Slider:
    assert info.bounds is not None
    return gr.Slider(
        info.bounds[0],
        most,
        info.default,
        step=1 if info.kind is int else 0.05,
        label=LABELS[info.name],
        info=info.help,
        elem_id=f"clip-{info.name}",
        buttons=[],
    )

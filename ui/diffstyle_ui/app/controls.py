"""The controls of the Stylise tab that other tabs read, set and preview."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.events import DISABLED, UNCHANGED, Widget, bind_after
from diffstyle_ui.app.sessions import Photo
from diffstyle_ui.app.user_errors import user_errors
from diffstyle_ui.widgets.html import status
from diffstyle_ui.widgets.photo_box import thumbnail_html
from diffstyle_ui.widgets.settings_form import SettingsForm
from diffstyle_ui.widgets.style_rows import StyleRows


@dataclass(frozen=True, slots=True)
class Controls:
    """The style rows, the settings form, and the preview that they update.

    `inputs` are the photo, the weights and the settings, in the order in which the handler `preview` takes them;
    `frame` is what it shows: the comparison and the status line; `drafted` is what a draft shows: those, and the button
    that renders. `versions` is the strip of what was rendered, `variations` the grid of the last four. `photo` uploads
    another photo, and `thumbnail` shows the present one. `fast` asks for a student of the mix.
    """

    context: AppContext
    rows: StyleRows
    form: SettingsForm
    inputs: Sequence[Component]
    frame: Sequence[Widget]
    drafted: Sequence[Widget]
    versions: gr.HTML
    variations: gr.HTML
    photo: gr.UploadButton
    thumbnail: gr.HTML
    fast: gr.Button
    preview: Callable[..., Any]
    draft: Callable[..., Any]

    def preview_after(self, event: Dependency) -> Dependency:
        """Update the preview, then the draft, when the handler of `event` has succeeded."""
        return self.draft_after(bind_after(event, self.preview, self.inputs, self.frame, kind="preview"))

    def draft_after(self, preview: Dependency) -> Dependency:
        """Replace the preview by a draft of the engine that will render."""
        return bind_after(preview, self.draft, self.inputs, self.drafted, kind="draft")

    def photo_updates(self, photo: Photo | None) -> list[Any]:
        """Updates of `photo` and `thumbnail` for another photo, that of the session; None if it stays."""
        return [UNCHANGED, UNCHANGED] if photo is None else [None, thumbnail(photo)]

    @user_errors
    def cancel(self, request: gr.Request) -> Any:
        """Cancel the session's render; the update of the button that was clicked."""
        self.context.cancel_renders(request)
        return DISABLED

    def place(self, request: gr.Request) -> Any:
        """The place of a render that waits, and about how long it will."""
        before = self.context.waiting.place(request, "render")
        if not before:
            return UNCHANGED
        seconds = before * self.context.renderer.usual_seconds
        renders = "one render" if before == 1 else f"{before} renders"
        return status(f"Waiting: {renders} before yours, about {seconds:.0f} s.")


def thumbnail(photo: Photo) -> str:
    """The thumbnail of an uploaded photo."""
    width, height = photo.full_size
    return thumbnail_html(photo.url, f"{photo.path.name}, {width} × {height}")

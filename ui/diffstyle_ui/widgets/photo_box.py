"""The visitor's photo as a thumbnail with a button that changes it; photos are also dropped and pasted anywhere."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr

from diffstyle_ui.widgets.files import beside

CSS = beside("photo_box.css")

# Drops and pastes go through the upload button's own input, and so through Gradio's upload.
_ON_LOAD = beside("photo_box.js")

_PICK = """
element.addEventListener('click', (e) => {
  const button = e.target.closest('button[data-n]');
  if (button) trigger('select', { n: Number(button.dataset.n) });
});
"""


def photo_thumbnail(url: str, line: str, *, elem_id: str) -> gr.HTML:
    """The thumbnail. Its value is the HTML of `thumbnail_html`."""
    return gr.HTML(
        thumbnail_html(url, line),
        elem_id=elem_id,
        label="Photo",
        js_on_load=_ON_LOAD,
        apply_default_css=False,
        min_width=60,
    )


def thumbnail_html(url: str, line: str) -> str:
    """The HTML for a data URL and a line about it."""
    return f'<div class="own-photo"><img src="{url}" alt="Your photo"><small>{html.escape(line)}</small></div>'


def example_strip(examples: Sequence[tuple[str, str, str]], *, elem_id: str) -> gr.HTML:
    """Pictures (label, data URL, credit) to begin with. The `select` event carries the index `n`."""
    buttons = "".join(
        f'<button type="button" data-n="{n}" title="{html.escape(credit)}"><img src="{url}" alt="">'
        f"<small>{html.escape(label)}</small></button>"
        for n, (label, url, credit) in enumerate(examples)
    )
    return gr.HTML(
        f'<div class="examples" role="group" aria-label="Example photos">{buttons}</div>',
        elem_id=elem_id,
        label="Examples",
        js_on_load=_PICK,
        apply_default_css=False,
    )

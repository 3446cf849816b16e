"""What was rendered so far, as a strip of thumbnails; a click brings picture and settings back."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr

CSS = """
.versions { display: flex; gap: 6px; overflow-x: auto; padding: 3px; scrollbar-width: thin; }
.versions button { flex: none; padding: 0; border: 0; border-radius: 8px; overflow: hidden; cursor: pointer;
  background: var(--background-fill-secondary); }
.versions img { display: block; height: 62px; width: auto; max-width: 110px; object-fit: cover; }
.versions button:hover { box-shadow: 0 0 0 2px var(--border-color-accent); }
.versions button:focus-visible { outline: 3px solid var(--accent-strong); outline-offset: -1px; }
"""

_ON_LOAD = """
element.addEventListener('click', (e) => {
  const button = e.target.closest('button[data-n]');
  if (button) trigger('select', { n: Number(button.dataset.n) });
});
"""


def version_strip(*, elem_id: str) -> gr.HTML:
    """The strip, empty at first. Its value is the HTML of `versions_html`; `select` carries the number `n` of one."""
    return gr.HTML("", elem_id=elem_id, label="Versions", js_on_load=_ON_LOAD, apply_default_css=False)


def versions_html(results: Sequence[tuple[int, str, str]]) -> str:
    """The HTML for the number, the thumbnail, a data URL, and the label of each; the newest is first."""
    buttons = "".join(
        f'<button type="button" data-n="{n}" title="{html.escape(label)}" aria-label="Version {n}: '
        f'{html.escape(label)}"><img src="{url}" alt=""></button>'
        for n, url, label in reversed(results)
    )
    return f'<div class="versions" role="group" aria-label="Versions">{buttons}</div>' if results else ""

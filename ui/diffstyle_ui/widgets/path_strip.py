"""The steps of a path between two styles as pictures to click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

CSS = """
.strip { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: 6px; padding: 4px; }
.strip button { position: relative; display: block; padding: 0; border: 0; border-radius: 8px; overflow: hidden;
  cursor: pointer; background: var(--background-fill-secondary); line-height: 0; }
.strip img { width: 100%; display: block; }
.strip small { position: absolute; left: 5px; bottom: 5px; padding: 1px 6px; border-radius: 99px; color: #fff;
  font: 600 11px/1.4 var(--font); background: rgb(20 18 16 / 62%); }
.strip button:hover { box-shadow: 0 0 0 2px var(--border-color-accent); }
.strip button[aria-pressed=true] { box-shadow: 0 0 0 3px var(--accent-strong); }
.strip button:focus-visible { outline: 3px solid var(--accent-strong); outline-offset: 1px; }
"""

_ON_LOAD = """
const mark = () => {
  for (const button of element.querySelectorAll('.strip button'))
    button.setAttribute('aria-pressed', String(Math.abs(button.dataset.at - props.at) < 0.01));
};
element.addEventListener('click', (e) => {
  const button = e.target.closest('.strip button');
  if (button) trigger('select', { at: Number(button.dataset.at) });
});
watch(['value', 'at'], mark);
"""


def path_strip(*, elem_id: str, at: float) -> gr.HTML:
    """The strip, empty at first. Its value is the HTML of `strip_html`; its `select` event carries the position `at`,
    from 0 to 1, and the step at its property `at` is marked.
    """
    return gr.HTML("", elem_id=elem_id, label="Steps of the path", js_on_load=_ON_LOAD, apply_default_css=False, at=at)


def at(position: float) -> Any:
    """The update that marks the step at `position`."""
    return gr.update(at=position)


def strip_html(urls: Sequence[str]) -> str:
    """The HTML for the data URLs of pictures at even steps."""
    buttons = ""
    for n, url in enumerate(urls):
        percent = round(100 * n / (len(urls) - 1))
        words = f"{percent} % of the path"
        buttons += (
            f'<button type="button" data-at="{percent / 100:g}" aria-pressed="false" aria-label="{words}">'
            f'<img src="{url}" alt=""><small aria-hidden="true">{percent} %</small></button>'
        )
    return f'<div class="strip" role="group" aria-label="Steps of the path">{buttons}</div>'

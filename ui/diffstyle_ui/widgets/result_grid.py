"""Finished pictures as a grid to choose from, and two of them side by side without their names."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime

import gradio as gr

CSS = """
.kept { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 10px; padding: 3px; }
.kept button { padding: 0; border: 0; border-radius: 8px; overflow: hidden; cursor: pointer; text-align: left;
  background: var(--background-fill-secondary); color: var(--body-text-color); }
.kept img { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--compare-ground); }
.kept time { display: block; color: var(--body-text-color-subdued); }
.kept time:empty { display: none; }
.kept small { display: block; padding: 6px 8px; font-size: 12px; line-height: 1.35; }
.kept button:hover { box-shadow: 0 0 0 2px var(--border-color-accent); }
.kept button:focus-visible { outline: 3px solid var(--accent-strong); }
.blind { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; }
.blind figure { margin: 0; text-align: center; } .blind img { width: 100%; border-radius: 8px; display: block; }
.blind figcaption { padding: 6px; font-weight: 700; }
"""

# times are said as the visitor's own clock has them
_ON_LOAD = """
const say = () => element.querySelectorAll('time').forEach((t) => {
  const made = new Date(t.dateTime), today = made.toDateString() === new Date().toDateString();
  t.textContent = made.toLocaleString([], { timeStyle: 'short', ...(today ? {} : { dateStyle: 'medium' }) });
});
watch('value', say);
say();
element.addEventListener('click', (e) => {
  const button = e.target.closest('button[data-n]');
  if (button) trigger('select', { n: Number(button.dataset.n) });
});
"""


def result_grid(empty: str, *, elem_id: str) -> gr.HTML:
    """The grid. Its value is `empty` or the HTML of `results_html`; its `select` event carries the number `n`."""
    return gr.HTML(empty, elem_id=elem_id, label="Results", js_on_load=_ON_LOAD, apply_default_css=False)


def results_html(results: Sequence[tuple[int, str, str, float]]) -> str:
    """The HTML for a number, a thumbnail, which is a data URL, a label, and a time in seconds since the epoch each; the
    newest, the last one, is first.
    """
    buttons = "".join(
        f'<button type="button" data-n="{n}"><img src="{thumbnail}" alt="">'
        f'<small>{n}. {html.escape(label)}<time datetime="{_iso(made)}"></time></small></button>'
        for n, thumbnail, label, made in reversed(results)
    )
    return f'<div class="kept" role="group" aria-label="Results">{buttons}</div>'


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def blind_pair(thumbnails: Sequence[str]) -> str:
    """The HTML for two data URLs side by side, named A and B."""
    figures = "".join(
        f'<figure><img src="{url}" alt="Picture {name}"><figcaption>{name}</figcaption></figure>'
        for name, url in zip("AB", thumbnails, strict=True)
    )
    return f'<div class="blind">{figures}</div>'

"""Two pictures in one frame, before and after, with a divider that mouse, touch and keyboard move."""

from __future__ import annotations

import html

import gradio as gr

MIDDLE = 50

CSS = """
.compare { position: relative; margin: 0; border-radius: 10px; overflow: hidden; line-height: 0; }
.compare img { display: block; width: 100%; max-height: 68vh; object-fit: contain; background: var(--compare-ground); }
.compare img.after { position: absolute; inset: 0; height: 100%; clip-path: inset(0 0 0 var(--split, 50%)); }
.compare::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--split, 50%); width: 2px;
  margin-left: -1px; background: #fff; box-shadow: 0 0 0 1px rgb(0 0 0 / 25%); pointer-events: none; }
.compare input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: ew-resize; }
.compare:focus-within { outline: 3px solid var(--accent-strong); outline-offset: 2px; }
.compare span { position: absolute; bottom: 10px; padding: 3px 9px; border-radius: 99px; font: 600 12px/1.4 var(--font);
  color: #fff; background: rgb(20 18 16 / 62%); pointer-events: none; }
.compare span.left { left: 10px; } .compare span.right { right: 10px; }
"""

# the divider keeps its position when a new picture arrives
_ON_LOAD = """
const place = () => {
  const range = element.querySelector('input[type=range]');
  if (range) range.value = element.dataset.split || 50;
};
element.addEventListener('input', (e) => {
  if (e.target.type !== 'range') return;
  element.dataset.split = e.target.value;
  element.style.setProperty('--split', e.target.value + '%');
});
watch('value', place);
place();
"""


def comparison(*, elem_id: str, label: str, empty: str) -> gr.HTML:
    """The frame. Its value is the HTML of `pair`, or a placeholder such as `empty`."""
    return gr.HTML(empty, elem_id=elem_id, label=label, js_on_load=_ON_LOAD, apply_default_css=False)


def pair(before: str, after: str, *, description: str, names: tuple[str, str] = ("Photo", "Result")) -> str:
    """The HTML for two data URLs of pictures with the same aspect ratio.

    `names` label the two sides; `description` is the alternative text of the second picture.
    """
    return (
        '<figure class="compare">'
        f'<img class="before" src="{before}" alt="{names[0]}">'
        f'<img class="after" src="{after}" alt="{html.escape(description)}">'
        f'<span class="left" aria-hidden="true">{names[0]}</span>'
        f'<span class="right" aria-hidden="true">{names[1]}</span>'
        f'<input type="range" min="0" max="100" value="{MIDDLE}" aria-label="Divider between photo and result">'
        "</figure>"
    )

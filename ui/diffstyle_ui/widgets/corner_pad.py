"""A square with a style in each corner and a handle: its position is a mix of the four styles."""

from __future__ import annotations

import html
from collections.abc import Sequence

import gradio as gr

from diffstyle_ui.widgets.drag_control import drag_control
from diffstyle_ui.widgets.style_rows import StylePart

CSS = """
.pad { position: relative; aspect-ratio: 4 / 3; border-radius: 10px; touch-action: none; cursor: crosshair;
  border: 1px solid var(--border-color-primary); background: var(--compare-ground); user-select: none; }
.pad figure { position: absolute; width: 50%; height: 50%; margin: 0; overflow: hidden; pointer-events: none; }
.pad figure:nth-of-type(even) { right: 0; } .pad figure:nth-of-type(n + 3) { bottom: 0; }
.pad img { width: 100%; height: 100%; object-fit: cover; display: block; }
.pad figure:nth-of-type(1) img { border-top-left-radius: 9px;
  mask-image: radial-gradient(farthest-side at 0 0, #000 45%, transparent 100%); }
.pad figure:nth-of-type(2) img { border-top-right-radius: 9px;
  mask-image: radial-gradient(farthest-side at 100% 0, #000 45%, transparent 100%); }
.pad figure:nth-of-type(3) img { border-bottom-left-radius: 9px;
  mask-image: radial-gradient(farthest-side at 0 100%, #000 45%, transparent 100%); }
.pad figure:nth-of-type(4) img { border-bottom-right-radius: 9px;
  mask-image: radial-gradient(farthest-side at 100% 100%, #000 45%, transparent 100%); }
.pad figcaption { position: absolute; max-width: calc(100% - 20px); overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; padding: 3px 9px; border-radius: 99px; font: 600 12px/1.4 var(--font); color: #fff;
  background: rgb(20 18 16 / 62%); }
.pad figure:nth-of-type(odd) figcaption { left: 10px; } .pad figure:nth-of-type(even) figcaption { right: 10px; }
.pad figure:nth-of-type(-n + 2) figcaption { top: 10px; } .pad figure:nth-of-type(n + 3) figcaption { bottom: 10px; }
.pad i { position: absolute; left: 50%; top: 50%; width: 28px; height: 28px; margin: -14px; border-radius: 50%;
  background: var(--accent-strong); border: 3px solid #fff; box-shadow: 0 1px 5px rgb(0 0 0 / 40%); cursor: grab; }
.pad i:focus-visible { outline: 3px solid var(--accent-strong); outline-offset: 2px; }
"""

_ON_LOAD = """
let x = 0.5, y = 0.5, pressed = false;
watch('value', () => setTimeout(() => put(x, y)));
const put = (nx, ny) => {
  x = Math.max(0, Math.min(1, nx)); y = Math.max(0, Math.min(1, ny));
  const handle = element.querySelector('i');
  handle.style.left = 100 * x + '%'; handle.style.top = 100 * y + '%';
  handle.setAttribute('aria-valuetext', `${Math.round(100 * x)} % to the right, ${Math.round(100 * y)} % down`);
  handle.setAttribute('aria-valuenow', Math.round(100 * x));
  ask({ x, y });
};
const go = (e) => {
  const box = element.querySelector('.pad').getBoundingClientRect();
  put((e.clientX - box.left) / box.width, (e.clientY - box.top) / box.height);
};
element.addEventListener('pointerdown', (e) => { pressed = true; element.setPointerCapture(e.pointerId); go(e); });
element.addEventListener('pointermove', (e) => { if (pressed) go(e); });
element.addEventListener('pointerup', () => { pressed = false; });
element.addEventListener('keydown', (e) => {
  const by = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, -0.05], ArrowDown: [0, 0.05] }[e.key];
  if (by) { e.preventDefault(); put(x + by[0], y + by[1]); }
});
"""

_HANDLE = """<i tabindex="0" role="slider" aria-label="Mix of the four styles" aria-valuemin="0" aria-valuemax="100"
aria-valuenow="50" aria-valuetext="in the middle"></i>"""


def corner_pad(corners: Sequence[StylePart], *, elem_id: str) -> gr.HTML:
    """The pad. Its value is the HTML of `pad_html`; its `input` event carries the position of the handle.

    `x` and `y` are from 0 to 1, to the right and down. The event is also triggered when the value changes.
    """
    return drag_control(pad_html(corners), elem_id=elem_id, label="Mix of four styles", script=_ON_LOAD)


def pad_html(corners: Sequence[StylePart]) -> str:
    """The HTML of a pad with these four styles: top left, top right, bottom left, bottom right."""
    figures: list[str] = []
    for part in corners:
        picture = f'<img src="{part.thumbnail}" alt="">' if part.thumbnail else ""
        figures.append(f"<figure>{picture}<figcaption>{html.escape(part.label)}</figcaption></figure>")
    return f'<div class="pad">{"".join(figures)}{_HANDLE}</div>'


def corner_weights(x: float, y: float) -> tuple[float, float, float, float]:
    """The weight of each corner at a position: bilinear, and the sum is 1. Positions outside the pad are clipped."""
    x, y = (min(1.0, max(0.0, v)) for v in (x, y))
    return (1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y

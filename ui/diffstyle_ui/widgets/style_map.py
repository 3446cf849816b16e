"""The named styles on a plane, similar ones close together; a click between them mixes the nearest."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping

import gradio as gr
from PIL import Image

from diffstyle import Style, StyleSpace
from diffstyle_ui.widgets.drag_control import drag_control
from diffstyle_ui.widgets.html import data_url
from diffstyle_ui.widgets.style_wall import display_name

NEIGHBOURS = 3
CSS = """
.style-map { position: relative; aspect-ratio: 1; border-radius: 10px; cursor: crosshair; touch-action: none;
  background: var(--compare-ground); border: 1px solid var(--border-color-primary); overflow: hidden; }
.style-map button { position: absolute; width: 34px; height: 34px; margin: -17px; padding: 0; border-radius: 50%;
  border: 2px solid var(--block-background-fill); background-size: cover; background-position: center;
  cursor: pointer; }
.style-map button:hover, .style-map button:focus-visible { z-index: 2; transform: scale(1.5); }
.style-map button:focus-visible { outline: 3px solid var(--accent-strong); }
.style-map .here { position: absolute; width: 18px; height: 18px; margin: -9px; border-radius: 50%; z-index: 3;
  border: 3px solid var(--accent-strong); background: rgb(255 255 255 / 60%); pointer-events: none; display: none; }
.style-map p { position: absolute; left: 10px; bottom: 8px; margin: 0; padding: 2px 8px; border-radius: 99px;
  font-size: 12px; background: rgb(20 18 16 / 62%); color: #fff; pointer-events: none; }
"""

_ON_LOAD = """
let pressed = false;
const map = () => element.querySelector('.style-map');
const mark = (x, y) => {
  const here = element.querySelector('.here');
  here.style.left = 50 + 47 * x + '%'; here.style.top = 50 - 47 * y + '%'; here.style.display = 'block';
};
const go = (e) => {
  const box = map().getBoundingClientRect();
  const place = (v, size) => Math.max(-1, Math.min(1, (v / size - 0.5) / 0.47));
  const x = place(e.clientX - box.left, box.width), y = -place(e.clientY - box.top, box.height);
  mark(x, y);
  ask({ x, y });
};
const name = (e, words) => {
  const button = e.target.closest('button');
  if (button) element.querySelector('p').textContent = words || button.getAttribute('aria-label');
};
element.addEventListener('click', (e) => {
  const button = e.target.closest('button');
  if (!button) return;
  mark(Number(button.dataset.x), Number(button.dataset.y));
  ask({ x: Number(button.dataset.x), y: Number(button.dataset.y) });
});
element.addEventListener('pointerdown', (e) => {
  if (e.target.closest('button') || !map().contains(e.target)) return;
  pressed = true; element.setPointerCapture(e.pointerId); go(e);
});
element.addEventListener('pointermove', (e) => { if (pressed) go(e); });
element.addEventListener('pointerup', () => { pressed = false; });
element.addEventListener('mouseover', name);
element.addEventListener('focusin', name);
"""


def style_map(space: StyleSpace, *, elem_id: str) -> gr.HTML:
    """The map. Its `input` event carries the position, `x` and `y` from -1 to 1, to the right and up."""
    return drag_control(_map_html(space), elem_id=elem_id, label="Map of styles", script=_ON_LOAD)


def _map_html(space: StyleSpace) -> str:
    buttons = "".join(
        f'<button type="button" data-x="{x:.4f}" data-y="{y:.4f}" aria-label="{html.escape(display_name(name))}"'
        f' style="left:{50 + 47 * x:.2f}%;top:{50 - 47 * y:.2f}%;'
        f'background-image:url({_thumbnail(space.styles[name])})">'
        "</button>"
        for name, (x, y) in space.map().items()
    )
    return (
        f'<div class="style-map" role="group" aria-label="Map of styles">{buttons}<span class="here"></span>'
        "<p>Click a style, or between them</p></div>"
    )


def _thumbnail(style: Style) -> str:
    with Image.open(io.BytesIO(style.thumbnail)) as image:
        return data_url(image, longest=72)


def weights_at(space: StyleSpace, x: float, y: float) -> Mapping[str, float]:
    """The `NEIGHBOURS` styles nearest to a position by name, with weights that sum to 1.

    Weights are inverse to the squared distance; on a style itself, that style alone has weight 1.
    """
    distances = {name: (px - x) ** 2 + (py - y) ** 2 for name, (px, py) in space.map().items()}
    nearest = sorted(distances, key=lambda name: distances[name])[:NEIGHBOURS]
    if distances[nearest[0]] < 1e-4:
        return {nearest[0]: 1.0}
    weights = {name: 1 / distances[name] for name in nearest}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}

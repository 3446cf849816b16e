"""The named styles on a plane, similar ones close together; a click between them mixes the nearest.

What is in view shows the visitor's photo: the map asks for such pictures in small batches.
"""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import gradio as gr
from PIL import Image

from diffstyle import Style, StyleSpace
from diffstyle_ui.widgets.drag_control import drag_control
from diffstyle_ui.widgets.html import data_url

NEIGHBOURS = 3
BATCH = 6
APART = (0.222, 0.186)  # the size of a picture on the map, whose sides go from -1 to 1
MAX_ROUNDS = 500
CSS = """
.style-map { position: relative; aspect-ratio: 1; border-radius: 10px; cursor: crosshair; touch-action: none;
  background: var(--compare-ground); border: 1px solid var(--border-color-primary); overflow: hidden; }
.style-map button { position: absolute; width: 9.6%; height: 8.2%; min-width: 30px; min-height: 26px; padding: 0;
  translate: -50% -50%; border-radius: 7px; border: 2px solid var(--block-background-fill); background-size: cover;
  background-position: center; cursor: pointer; transition: transform 0.12s; }
.style-map button:hover, .style-map button:focus-visible { z-index: 2; transform: scale(2.1); border-width: 1px; }
.style-map button:focus-visible { outline: 3px solid var(--accent-strong); }
.style-map button.far-left { transform-origin: 20% 50%; } .style-map button.far-right { transform-origin: 80% 50%; }
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
  here.style.left = 50 + 44 * x + '%'; here.style.top = 50 - 45 * y + '%'; here.style.display = 'block';
};
const go = (e) => {
  const box = map().getBoundingClientRect();
  const place = (v, size, reach) => Math.max(-1, Math.min(1, (v / size - 0.5) / reach));
  const x = place(e.clientX - box.left, box.width, 0.44), y = -place(e.clientY - box.top, box.height, 0.45);
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

const urls = new Map(), seen = new Set();
let photo = '', asked = 0;
const all = () => [...element.querySelectorAll('button[data-name]')];
const next = () => {
  if (Date.now() - asked < 15000) return;
  const names = all().map((b) => b.dataset.name).filter((n) => seen.has(n) && !urls.has(n)).slice(0, props.batch);
  asked = names.length ? Date.now() : 0;
  if (names.length) trigger('select', { names });
};
const observer = new IntersectionObserver((found) => {
  for (const { target, isIntersecting } of found) seen[isIntersecting ? 'add' : 'delete'](target.dataset.name);
  next();
});
const dress = () => {
  observer.disconnect();
  for (const button of all()) {
    const url = urls.get(button.dataset.name);
    button.classList.toggle('painted', Boolean(url));
    if (url) button.style.backgroundImage = `url(${url})`;
    observer.observe(button);
  }
};
watch('painted', () => {
  if (props.painted.photo !== photo) { urls.clear(); photo = props.painted.photo; }
  for (const [style, url] of Object.entries(props.painted.urls)) urls.set(style, url);
  asked = 0; dress(); next();
});
watch('answered', dress);
watch('at', () => { if (props.at) mark(props.at[0], props.at[1]); });
dress();
"""


def style_map(space: StyleSpace, titles: Mapping[str, str], *, elem_id: str) -> gr.HTML:
    """The map; `titles` are what people call the styles, by name. Its `input` event carries the position, `x` and `y`
    from -1 to 1, to the right and up; the property `at` puts the marker there.

    Its `select` event carries the `names` of styles to paint, at most `BATCH`; the handler returns `painted(...)`.
    """
    control = drag_control(_map_html(space, titles), elem_id=elem_id, label="Map of styles", script=_ON_LOAD)
    control.props |= {"painted": {"photo": "", "urls": {}}, "batch": BATCH, "at": None}
    return control


def painted(photo: str, urls: Mapping[str, str]) -> Any:
    """The update with data URLs of the visitor's photo by the name of the style; those of another `photo` are dropped.

    Call it without URLs when the photo may have changed.
    """
    return gr.update(painted={"photo": photo, "urls": dict(urls)})


def _map_html(space: StyleSpace, titles: Mapping[str, str]) -> str:
    buttons = "".join(
        f'<button type="button" data-name="{html.escape(name)}" data-x="{x:.4f}" data-y="{y:.4f}"'
        f' aria-label="{html.escape(titles[name])}"{_edge(x)}'
        f' style="left:{50 + 44 * x:.2f}%;top:{50 - 45 * y:.2f}%;'
        f'background-image:url({_thumbnail(space.styles[name])})">'
        "</button>"
        for name, (x, y) in layout(space).items()
    )
    return (
        f'<div class="style-map" role="group" aria-label="Map of styles">{buttons}<span class="here"></span>'
        "<p>Click a style, or between them</p></div>"
    )


def _edge(x: float) -> str:
    """The class of what must not grow beyond the edge."""
    return ' class="far-left"' if x < -0.8 else ' class="far-right"' if x > 0.8 else ""


def _thumbnail(style: Style) -> str:
    with Image.open(io.BytesIO(style.thumbnail)) as image:
        return data_url(image, longest=72)


@cache
def layout(space: StyleSpace) -> Mapping[str, tuple[float, float]]:
    """Where the map shows each style, from -1 to 1: at its place in `space`, moved apart until none hides another."""
    names = list(space.map())
    places = [list(place) for place in space.map().values()]
    for _ in range(MAX_ROUNDS):
        moved = False
        for n, one in enumerate(places):
            for other in places[:n]:
                gaps = [APART[k] - abs(one[k] - other[k]) for k in (0, 1)]
                if min(gaps) <= 1e-6:
                    continue
                moved = True
                k = 0 if gaps[0] / APART[0] < gaps[1] / APART[1] else 1  # the shorter way
                by = gaps[k] / 2 * (1 if one[k] >= other[k] else -1)
                one[k], other[k] = (max(-1.0, min(1.0, v)) for v in (one[k] + by, other[k] - by))
        if not moved:
            break
    return {name: (x, y) for name, (x, y) in zip(names, places, strict=True)}


def place_of(space: StyleSpace, names: Sequence[str]) -> tuple[float, float]:
    """Where the map shows a mix of named styles: in their middle. The middle of the map for those that it has not."""
    places = [layout(space)[name] for name in names if name in layout(space)]
    if not places:
        return 0.0, 0.0
    x, y = (sum(place[k] for place in places) / len(places) for k in (0, 1))
    return x, y


def weights_at(space: StyleSpace, x: float, y: float) -> Mapping[str, float]:
    """The `NEIGHBOURS` styles nearest to a position by name, with weights that sum to 1.

    Weights are inverse to the squared distance; on a style itself, that style alone has weight 1.
    """
    distances = {name: (px - x) ** 2 + (py - y) ** 2 for name, (px, py) in layout(space).items()}
    nearest = sorted(distances, key=lambda name: distances[name])[:NEIGHBOURS]
    if distances[nearest[0]] < 1e-4:
        return {nearest[0]: 1.0}
    weights = {name: 1 / distances[name] for name in nearest}
    return {name: weight / sum(weights.values()) for name, weight in weights.items()}

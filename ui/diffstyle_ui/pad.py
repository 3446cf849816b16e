"""Four styles in the corners of a square, and a handle that mixes them."""

from __future__ import annotations

import gradio as gr

from diffstyle_ui.dragged import dragged

CSS = """
.pad { position: relative; aspect-ratio: 1; border-radius: 10px; touch-action: none; cursor: crosshair;
  border: 1px solid var(--border-color-primary);
  background: linear-gradient(45deg, transparent 49.7%, var(--border-color-primary) 50%, transparent 50.3%),
    linear-gradient(-45deg, transparent 49.7%, var(--border-color-primary) 50%, transparent 50.3%),
    var(--compare-ground); }
.pad b { position: absolute; font-size: 13px; color: var(--body-text-color-subdued); }
.pad b:nth-of-type(1) { left: 10px; top: 8px; } .pad b:nth-of-type(2) { right: 10px; top: 8px; }
.pad b:nth-of-type(3) { left: 10px; bottom: 8px; } .pad b:nth-of-type(4) { right: 10px; bottom: 8px; }
.pad i { position: absolute; left: 50%; top: 50%; width: 28px; height: 28px; margin: -14px; border-radius: 50%;
  background: var(--accent-strong); border: 3px solid #fff; box-shadow: 0 1px 5px rgb(0 0 0 / 40%); cursor: grab; }
.pad i:focus-visible { outline: 3px solid var(--accent-strong); outline-offset: 2px; }
"""

_ON_LOAD = """
let x = 0.5, y = 0.5, held = false;
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
element.addEventListener('pointerdown', (e) => { held = true; element.setPointerCapture(e.pointerId); go(e); });
element.addEventListener('pointermove', (e) => { if (held) go(e); });
element.addEventListener('pointerup', () => { held = false; });
element.addEventListener('keydown', (e) => {
  const by = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, -0.05], ArrowDown: [0, 0.05] }[e.key];
  if (by) { e.preventDefault(); put(x + by[0], y + by[1]); }
});
"""

_PAD = """<div class="pad"><b>1</b><b>2</b><b>3</b><b>4</b>
<i tabindex="0" role="slider" aria-label="Mix of the four styles" aria-valuemin="0" aria-valuemax="100"
aria-valuenow="50" aria-valuetext="in the middle"></i></div>"""


def pad(*, elem_id: str) -> gr.HTML:
    """The square; its `input` event carries `x` and `y` from 0 to 1, right and down."""
    return dragged(_PAD, elem_id=elem_id, label="Mix of four styles", script=_ON_LOAD)


def corner_weights(x: float, y: float) -> tuple[float, float, float, float]:
    """How much of each corner there is at a place: bilinear, together one."""
    x, y = (min(1.0, max(0.0, v)) for v in (x, y))
    return (1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y

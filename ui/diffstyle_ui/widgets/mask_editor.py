"""The photo to brush on: what is painted over is a mask. Mouse, finger and keyboard hold the brush."""

from __future__ import annotations

import base64
import binascii
from io import BytesIO

import gradio as gr
import numpy as np
import torch
from PIL import Image

from diffstyle import InputError
from diffstyle.core.mask import Mask
from diffstyle_ui.widgets.drag_control import dragged

PREFIX = "data:image/png;base64,"
MAX_LETTERS = 4_000_000
MAX_SIDE = 1024
INK = (0xE0, 0x45, 0x2B)

CSS = """
.easel { position: relative; line-height: 0; border-radius: 10px; overflow: hidden; touch-action: none; }
.easel img { width: 100%; display: block; }
.easel canvas { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0.55; cursor: crosshair; }
.easel canvas:focus-visible { outline: 3px solid var(--accent-strong); outline-offset: -3px; }
.brushes { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; margin-top: 10px; font-size: 14px; }
.brushes button { padding: 6px 12px; border-radius: 8px; border: 1px solid var(--border-color-primary); cursor: pointer;
  background: var(--button-secondary-background-fill); color: var(--body-text-color); }
.brushes button[aria-pressed=true] { border-color: var(--accent-strong); box-shadow: 0 0 0 1px var(--accent-strong); }
.brushes button:focus-visible { outline: 3px solid var(--accent-strong); }
.brushes label { display: flex; align-items: center; gap: 8px; } .brushes input { accent-color: var(--accent-strong); }
"""

_ON_LOAD = """
let held = false, last = null, at = null, erase = false;
const canvas = () => element.querySelector('canvas');
const size = () => Number(element.querySelector('input[type=range]').value);
const line = (from, to) => {
  const pen = canvas().getContext('2d');
  pen.globalCompositeOperation = erase ? 'destination-out' : 'source-over';
  pen.strokeStyle = '#e0452b'; pen.lineCap = 'round'; pen.lineJoin = 'round'; pen.lineWidth = size();
  pen.beginPath(); pen.moveTo(from.x, from.y); pen.lineTo(to.x, to.y); pen.stroke();
};
const tell = () => ask({ mask: canvas().toDataURL('image/png') });
watch('value', () => setTimeout(() => {
  const c = canvas();
  if (!c) return;
  c.getContext('2d').clearRect(0, 0, c.width, c.height);
  const painted = element.querySelector('.easel').dataset.painted;
  if (!painted) return;
  const mask = new Image();
  mask.onload = () => c.getContext('2d').drawImage(mask, 0, 0, c.width, c.height);
  mask.src = painted;
}));
const point = (e) => {
  const c = canvas(), box = c.getBoundingClientRect();
  return { x: (e.clientX - box.left) / box.width * c.width, y: (e.clientY - box.top) / box.height * c.height };
};
element.addEventListener('pointerdown', (e) => {
  if (e.target !== canvas()) return;
  held = true; canvas().setPointerCapture(e.pointerId); last = point(e); line(last, last);
});
element.addEventListener('pointermove', (e) => { if (held) { const p = point(e); line(last, p); last = p; } });
element.addEventListener('pointerup', () => { if (held) { held = false; at = last; tell(); } });
element.addEventListener('keydown', (e) => {
  if (e.target !== canvas()) return;
  const c = canvas(), by = Math.max(4, size() / 2);
  const move = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by], ' ': [0, 0] }[e.key];
  if (!move) return;
  e.preventDefault();
  at = at || { x: c.width / 2, y: c.height / 2 };
  const to = { x: Math.max(0, Math.min(c.width, at.x + move[0])), y: Math.max(0, Math.min(c.height, at.y + move[1])) };
  if (!e.shiftKey) { line(at, to); tell(); }
  at = to;
});
element.addEventListener('click', (e) => {
  const button = e.target.closest('button');
  if (!button) return;
  const c = canvas(), pen = c.getContext('2d');
  if (button.dataset.tool === 'clear') { pen.clearRect(0, 0, c.width, c.height); tell(); return; }
  if (button.dataset.tool === 'all') {
    pen.globalCompositeOperation = 'source-over'; pen.fillStyle = '#e0452b'; pen.fillRect(0, 0, c.width, c.height);
    tell(); return;
  }
  erase = button.dataset.tool === 'erase';
  for (const other of element.querySelectorAll('button[aria-pressed]'))
    other.setAttribute('aria-pressed', String(other === button));
});
"""


def easel(*, elem_id: str) -> gr.HTML:
    """The easel; its value is the HTML of `on_easel`, its `input` event carries the `mask` as `mask_of` reads it."""
    return dragged("", elem_id=elem_id, label="Photo to brush on", script=_ON_LOAD)


def on_easel(picture: str, size: tuple[int, int], mask: Mask | None = None) -> str:
    """The HTML of a photo, a data URL of `size` (width, height), with `mask` or nothing painted on it."""
    width, height = size
    painted = "" if mask is None else f' data-painted="{_url_of(mask.resized(size))}"'
    return (
        f'<div class="easel"{painted}><img src="{picture}" alt="The photo"><canvas width="{width}" height="{height}"'
        ' tabindex="0" role="application" aria-label="Brush: arrow keys paint, with Shift they move it"></canvas></div>'
        '<div class="brushes"><button type="button" data-tool="brush" aria-pressed="true">Brush</button>'
        '<button type="button" data-tool="erase" aria-pressed="false">Erase</button>'
        '<button type="button" data-tool="all">Fill</button><button type="button" data-tool="clear">Clear</button>'
        f'<label>Size <input type="range" min="4" max="{max(8, width // 3)}" value="{max(6, width // 9)}"></label>'
        "</div>"
    )


def _url_of(mask: Mask) -> str:
    """The inverse of `mask_of`."""
    drawn = np.empty((*mask.to_array().shape, 4), np.uint8)
    drawn[..., :3], drawn[..., 3] = INK, mask.to_array()
    buffer = BytesIO()
    Image.fromarray(drawn).save(buffer, "PNG")
    return PREFIX + base64.b64encode(buffer.getvalue()).decode("ascii")


def mask_of(url: str) -> Mask:
    """The mask in a PNG that the page has drawn: where it is opaque."""
    if not url.startswith(PREFIX) or len(url) > MAX_LETTERS:
        raise InputError("What was painted cannot be read: paint it again.")
    try:
        data = base64.b64decode(url.removeprefix(PREFIX), validate=True)
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            if max(image.size) > MAX_SIDE:
                raise InputError(f"What was painted is more than {MAX_SIDE} pixels wide or high: make it smaller.")
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
    except (OSError, SyntaxError, binascii.Error, Image.DecompressionBombError) as error:
        raise InputError("What was painted cannot be read: paint it again.") from error
    return Mask(torch.from_numpy(alpha.astype(np.float32) / 255)[None], "brush")  # (1, H, W)

"""A photo to paint a mask on with mouse, touch or keyboard."""

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
from diffstyle_ui.widgets.drag_control import drag_control

PREFIX = "data:image/png;base64,"
MAX_CHARACTERS = 4_000_000
MAX_SIDE = 1024
UNREADABLE = "The painted mask cannot be read: paint it again."
INK = (0xE0, 0x45, 0x2B)

CSS = """
.mask-editor { position: relative; line-height: 0; border-radius: 10px; overflow: hidden; touch-action: none; }
.mask-editor img { width: 100%; display: block; }
.mask-editor canvas { position: absolute; inset: 0; width: 100%; height: 100%; opacity: 0.55; cursor: crosshair; }
.mask-editor canvas:focus-visible { outline: 3px solid var(--accent-strong); outline-offset: -3px; }
.brushes { display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; margin-top: 10px; font-size: 14px; }
.brushes button { padding: 6px 12px; border-radius: 8px; border: 1px solid var(--border-color-primary); cursor: pointer;
  background: var(--button-secondary-background-fill); color: var(--body-text-color); }
.brushes button[aria-pressed=true] { border-color: var(--accent-strong); box-shadow: 0 0 0 1px var(--accent-strong); }
.brushes button:focus-visible { outline: 3px solid var(--accent-strong); }
.brushes label { display: flex; align-items: center; gap: 8px; } .brushes input { accent-color: var(--accent-strong); }
"""

_ON_LOAD = """
let pressed = false, last = null, at = null, erase = false;
const canvas = () => element.querySelector('canvas');
const size = () => Number(element.querySelector('input[type=range]').value);
const line = (from, to) => {
  const pen = canvas().getContext('2d');
  pen.globalCompositeOperation = erase ? 'destination-out' : 'source-over';
  pen.strokeStyle = '#e0452b'; pen.lineCap = 'round'; pen.lineJoin = 'round'; pen.lineWidth = size();
  pen.beginPath(); pen.moveTo(from.x, from.y); pen.lineTo(to.x, to.y); pen.stroke();
};
const send = () => ask({ mask: canvas().toDataURL('image/png') });
watch('value', () => setTimeout(() => {
  const c = canvas();
  if (!c) return;
  c.getContext('2d').clearRect(0, 0, c.width, c.height);
  const drawn = element.querySelector('.mask-editor').dataset.mask;
  if (!drawn) return;
  const mask = new Image();
  mask.onload = () => c.getContext('2d').drawImage(mask, 0, 0, c.width, c.height);
  mask.src = drawn;
}));
const point = (e) => {
  const c = canvas(), box = c.getBoundingClientRect();
  return { x: (e.clientX - box.left) / box.width * c.width, y: (e.clientY - box.top) / box.height * c.height };
};
element.addEventListener('pointerdown', (e) => {
  if (e.target !== canvas()) return;
  pressed = true; canvas().setPointerCapture(e.pointerId); last = point(e); line(last, last);
});
element.addEventListener('pointermove', (e) => { if (pressed) { const p = point(e); line(last, p); last = p; } });
element.addEventListener('pointerup', () => { if (pressed) { pressed = false; at = last; send(); } });
element.addEventListener('keydown', (e) => {
  if (e.target !== canvas()) return;
  const c = canvas(), by = Math.max(4, size() / 2);
  const move = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by], ' ': [0, 0] }[e.key];
  if (!move) return;
  e.preventDefault();
  at = at || { x: c.width / 2, y: c.height / 2 };
  const to = { x: Math.max(0, Math.min(c.width, at.x + move[0])), y: Math.max(0, Math.min(c.height, at.y + move[1])) };
  if (!e.shiftKey) { line(at, to); send(); }
  at = to;
});
element.addEventListener('click', (e) => {
  const button = e.target.closest('button');
  if (!button) return;
  const c = canvas(), pen = c.getContext('2d');
  if (button.dataset.tool === 'clear') { pen.clearRect(0, 0, c.width, c.height); send(); return; }
  if (button.dataset.tool === 'all') {
    pen.globalCompositeOperation = 'source-over'; pen.fillStyle = '#e0452b'; pen.fillRect(0, 0, c.width, c.height);
    send(); return;
  }
  erase = button.dataset.tool === 'erase';
  for (const other of element.querySelectorAll('button[aria-pressed]'))
    other.setAttribute('aria-pressed', String(other === button));
});
"""


def mask_editor(*, elem_id: str) -> gr.HTML:
    """The editor. Its value is the HTML of `photo_with_mask`; its `input` event carries `mask`, for `read_mask`."""
    return drag_control("", elem_id=elem_id, label="Photo to brush on", script=_ON_LOAD)


def photo_with_mask(picture: str, size: tuple[int, int], mask: Mask | None = None) -> str:
    """The HTML for a photo, a data URL, on a canvas of `size` (width, height) with `mask` drawn on it."""
    width, height = size
    drawn = "" if mask is None else f' data-mask="{_mask_url(mask.resized(size))}"'
    return (
        f'<div class="mask-editor"{drawn}><img src="{picture}" alt="The photo">'
        f'<canvas width="{width}" height="{height}" tabindex="0" role="application"'
        ' aria-label="Brush: arrow keys paint, with Shift they move it"></canvas></div>'
        '<div class="brushes"><button type="button" data-tool="brush" aria-pressed="true">Brush</button>'
        '<button type="button" data-tool="erase" aria-pressed="false">Erase</button>'
        '<button type="button" data-tool="all">Fill</button><button type="button" data-tool="clear">Clear</button>'
        f'<label>Size <input type="range" min="4" max="{max(8, width // 3)}" value="{max(6, width // 9)}"></label>'
        "</div>"
    )


def _mask_url(mask: Mask) -> str:
    """The PNG of `mask` as a data URL: the inverse of `read_mask`."""
    pixels = np.empty((*mask.to_array().shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = INK, mask.to_array()
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return PREFIX + base64.b64encode(buffer.getvalue()).decode("ascii")


def read_mask(url: str) -> Mask:
    """The mask in the PNG data URL that the page sends: the opacity of what was painted.

    Raises InputError for anything else, and for a side of more than `MAX_SIDE` pixels.
    """
    if not url.startswith(PREFIX) or len(url) > MAX_CHARACTERS:
        raise InputError(UNREADABLE)
    try:
        data = base64.b64decode(url.removeprefix(PREFIX), validate=True)
        with Image.open(BytesIO(data), formats=["PNG"]) as image:
            if max(image.size) > MAX_SIDE:
                raise InputError(f"The painted mask has a side of more than {MAX_SIDE} pixels: make it smaller.")
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
    except (OSError, SyntaxError, binascii.Error, Image.DecompressionBombError) as error:
        raise InputError(UNREADABLE) from error
    return Mask(torch.from_numpy(alpha.astype(np.float32) / 255)[None], "brush")  # (1, H, W)

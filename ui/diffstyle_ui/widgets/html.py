"""Pieces of HTML that all tabs use: pictures as data URLs, status lines, progress bars, placeholders."""

from __future__ import annotations

import base64
import html
from io import BytesIO

from PIL import Image

from diffstyle import Picture

THUMBNAIL = 192
CSS = """
.status { margin: 0; min-height: 22px; font-size: 14px; color: var(--body-text-color-subdued); }
.status + .status { color: var(--body-text-color); }
.status progress { width: 100%; height: 8px; margin-top: 6px; accent-color: var(--accent-strong); display: block; }
.empty { display: grid; place-content: center; gap: 6px; min-height: 300px; padding: 28px; text-align: center;
  border: 1.5px dashed var(--border-color-primary); border-radius: 10px; color: var(--body-text-color-subdued); }
.empty b { font-size: 17px; color: var(--body-text-color); font-weight: 600; }
.empty ol { display: inline-block; margin: 4px auto 0; padding-left: 1.3em; text-align: left; line-height: 1.7; }
"""
IDLE = '<p class="status" role="status"></p>'


def data_url(picture: Picture | Image.Image, *, longest: int | None = None) -> str:
    """A data URL of `picture`: JPEG, or PNG with transparency; no side is longer than `longest` pixels.

    The page shows pictures this way so that no file has to be served and deleted.
    """
    image = picture.to_pil() if isinstance(picture, Picture) else picture
    if longest is not None:
        image = image.copy()
        image.thumbnail((longest, longest))
    buffer = BytesIO()
    kind = "PNG" if image.mode == "RGBA" else "JPEG"
    image.save(buffer, kind, quality=88)
    return encoded_url(buffer.getvalue(), kind.lower())


def encoded_url(data: bytes, kind: str = "jpeg") -> str:
    """A data URL of a picture that is already encoded as `kind`."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def status(*sentences: str | None) -> str:
    """One status line for each sentence; None and "" are left out."""
    return "".join(f'<p class="status" role="status">{html.escape(s)}</p>' for s in sentences if s)


def progress(done: int, total: int, *, what: str = "Step", after: str = "") -> str:
    """A status line with a progress bar, which has no value while `total` is 0, that is, not known yet."""
    return progress_bar(f"{what} {done} of {total}{after}" if total else f"{what} …", done, total)


def progress_bar(words: str, done: int, total: int) -> str:
    """A status line of any `words`, with such a bar."""
    words = html.escape(words)
    value = f' value="{done}" max="{total}"' if total else ""
    return f'<p class="status" role="status">{words}<progress{value} aria-label="{words}"></progress></p>'


def placeholder(title: str, text: str) -> str:
    """A dashed frame with a title and a hint, shown where a picture will be; `text` is HTML."""
    return f'<div class="empty"><b>{title}</b>{text}</div>'

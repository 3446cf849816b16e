"""Pictures as the page shows them: small JPEGs inside the HTML, so that no file is left behind."""

from __future__ import annotations

import base64
from io import BytesIO

from PIL import Image

from diffstyle import Picture

THUMBNAIL = 192


def data_url(picture: Picture | Image.Image, *, longest: int | None = None) -> str:
    """A JPEG, or with transparency a PNG, as a data URL; no side is longer than `longest` pixels."""
    image = picture.to_pil() if isinstance(picture, Picture) else picture
    if longest is not None:
        image = image.copy()
        image.thumbnail((longest, longest))
    buffer = BytesIO()
    kind = "PNG" if image.mode == "RGBA" else "JPEG"
    image.save(buffer, kind, quality=88)
    return jpeg_url(buffer.getvalue(), kind.lower())


def jpeg_url(data: bytes, kind: str = "jpeg") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"

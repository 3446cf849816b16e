"""Exemplars as bytes: the small picture whose marks a painter copies, kept in style files and recipes as WebP."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.reading import reading

LONGEST = 384  # pixels of the longest side
LARGEST = 40_000  # bytes
_QUALITIES = (92, 85, 75, 65, 50, 35, 20, 5)


def encode_exemplar(picture: Picture, *, largest: int = LARGEST) -> bytes:
    """`picture` with a longest side of at most LONGEST pixels, as WebP of at most `largest` bytes.

    A painter paints from these bytes and not from the picture, so that a recipe repeats its result exactly.
    """
    image = Picture(picture.reduced(LONGEST).opaque()).to_pil()
    data = b""
    for quality in _QUALITIES:
        buffer = BytesIO()
        image.save(buffer, "WEBP", quality=quality, method=4)
        data = buffer.getvalue()
        if len(data) <= largest:
            break
    return data


def decode_exemplar(data: bytes, *, name: str) -> Picture:
    """The picture in `data`; InputError, which says `name`, if it is none or too large."""
    try:
        with reading(name):
            if len(data) > LARGEST:
                raise ValueError("too large")
            with Image.open(BytesIO(data), formats=("WEBP",)) as image:
                if max(image.size) > LONGEST:
                    raise ValueError("too large")
                return Picture.from_pil(image.convert("RGB"), source=name)
    except InputError as error:
        raise InputError(f"The exemplar of the style {name} is damaged: make the style again.") from error

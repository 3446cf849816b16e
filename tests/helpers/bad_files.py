"""Picture files that cannot be read, and what the error says of each."""

from __future__ import annotations

import io
import zlib

from PIL import Image

from tests.conftest import waves


def jpeg(width: int = 64, height: int = 64) -> bytes:
    """A JPEG of that size."""
    buffer = io.BytesIO()
    Image.fromarray(waves(width, height)).save(buffer, "JPEG")
    return buffer.getvalue()


def huge_png() -> bytes:
    """A PNG that claims 60000 x 60000 pixels."""
    buffer = io.BytesIO()
    Image.new("L", (64, 64)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = (60000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


BAD_FILES = {
    "empty.jpg": (b"", "empty"),
    "text.jpg": (b"this is no picture at all\n" * 10, "not a picture"),
    "truncated.jpg": (jpeg()[:-400], "cut off"),
    "truncated.png": (huge_png()[:60], "million pixels"),
    "bomb.png": (huge_png(), "million pixels"),
    "one_pixel.jpg": (jpeg(1, 1), "too few"),
    "badly_cut.png": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00", "damaged"),
    "bad.ppm": (b"P6 a b 255 x", "damaged"),
    "thread.jpg": (jpeg(20000, 1), "too few"),
}

"""Blender's images as PNG files, and back: bytes as they are, floats from linear light, with 16 bits."""

from __future__ import annotations

import struct
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from .diffstyle_client import DiffstyleError, fitted, png_size

_Floats = npt.NDArray[np.float32]
_SOURCES = ("FILE", "GENERATED", "VIEWER")
RENDER = "Render Result"


@dataclass(frozen=True)
class Source:
    """What a painted image takes from its source, noted before the work begins: the source may be gone at its end."""

    name: str
    size: tuple[int, int]
    space: str = "sRGB"
    alpha: str = ""


def source_of(image: Any) -> Source:
    """What is noted of a texture; one that holds floats is painted in sRGB, with straight alpha."""
    size = (image.size[0], image.size[1])
    if image.is_float:
        return Source(image.name, size, alpha="STRAIGHT")
    return Source(image.name, size, image.colorspace_settings.name, image.alpha_mode)


def render_png(scene: Any, longest: int) -> tuple[bytes, int, Source]:
    """The render of `scene` with its view transform, as PNG, its bits a channel, those of the output settings, and
    what is noted of it: its size is the one that it was rendered at.

    DiffstyleError if nothing was rendered yet.
    """
    rendered, settings = bpy.data.images.get(RENDER), scene.render.image_settings
    depth = 8 if settings.color_depth == "8" else 16
    wanted: dict[str, Any] = {"media_type": "IMAGE"} if hasattr(settings, "media_type") else {}
    wanted |= {"file_format": "PNG", "color_mode": "RGBA", "color_depth": str(depth), "compression": 15}
    before = {name: getattr(settings, name) for name in wanted}
    with tempfile.TemporaryDirectory(prefix="diffstyle-") as folder:
        path = Path(folder, "render.png")
        try:
            for name, value in wanted.items():
                setattr(settings, name, value)
            if rendered is not None:
                rendered.save_render(str(path), scene=scene)
        except RuntimeError:
            pass  # there is no file then
        finally:
            for name, value in before.items():
                setattr(settings, name, value)
        if not path.is_file():
            raise DiffstyleError("There is no render yet: render the scene first.")
        data = path.read_bytes()
        source = Source(RENDER, png_size(data))
        if fitted(*source.size, longest) == source.size:
            return data, depth, source
        loaded = bpy.data.images.load(str(path))
        try:
            loaded.scale(*fitted(*source.size, longest))
            return png_of(_pixels(loaded), depth), depth, source
        finally:
            bpy.data.images.remove(loaded)


def image_png(image: Any, longest: int) -> tuple[bytes, int]:
    """A texture as PNG, and its bits a channel. DiffstyleError for what has no pixels of its own."""
    if image is None:
        raise DiffstyleError("There is no image: open one in the Image Editor.")
    if image.name == RENDER:
        raise DiffstyleError("This is the render: use Stylise Render, or open a texture.")
    if image.source not in _SOURCES:
        what = {"TILED": "a UDIM with tiles", "MOVIE": "a movie", "SEQUENCE": "a sequence"}.get(
            image.source, "no image"
        )
        raise DiffstyleError(f"{image.name} is {what}: open a single image.")
    width, height = image.size
    if not width or not height:
        raise DiffstyleError(f"{image.name} has no pixels: is its file missing?")
    if fitted(width, height, longest) == (width, height):
        return png_of(_pixels(image), 16 if image.is_float else 8), 16 if image.is_float else 8
    small = bpy.data.images.new("diffstyle", width, height, alpha=True, float_buffer=image.is_float)
    try:
        small.pixels.foreach_set(np.ascontiguousarray(_raw(image)).ravel())
        small.scale(*fitted(width, height, longest))
        return png_of(_pixels(small), 16 if image.is_float else 8), 16 if image.is_float else 8
    finally:
        bpy.data.images.remove(small)


def painted_image(data: bytes, name: str, source: Source) -> Any:
    """A new image, packed into the file, of a painted PNG: enlarged to the size of its source, in its colour space."""
    with tempfile.TemporaryDirectory(prefix="diffstyle-") as folder:
        path = Path(folder, "painted.png")
        path.write_bytes(data)
        image = bpy.data.images.load(str(path))
        image.name = name
        image.pack()
    image.colorspace_settings.name = source.space
    if source.alpha:
        image.alpha_mode = source.alpha
    if tuple(image.size) != source.size:
        image.scale(*source.size)
        image.pack()
    return image


def png_of(pixels: _Floats, depth: int) -> bytes:
    """A PNG of pixels (height, width, 4) from 0 to 1, the lowest row first, as Blender has them; `depth` is 8 or 16."""
    height, width, _ = pixels.shape
    kind = ">u2" if depth == 16 else "u1"
    rows = np.rint(np.clip(pixels[::-1], 0, 1) * (2**depth - 1)).astype(kind).reshape(height, -1)
    lines = rows.view(np.uint8).reshape(height, -1)
    filtered = np.concatenate([np.zeros((height, 1), np.uint8), lines], axis=1)  # filter 0 before each row

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 6, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(filtered.tobytes(), 1))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def _raw(image: Any) -> _Floats:
    """The pixels as Blender has them, (height, width, 4)."""
    width, height, channels = *image.size, image.channels
    flat = np.empty(width * height * channels, np.float32)
    image.pixels.foreach_get(flat)
    found = flat.reshape(height, width, channels)
    if channels == 4:
        return found
    opaque = np.ones((height, width, 1), np.float32)
    grey = found[..., :1].repeat(3, axis=2) if channels < 3 else found[..., :3]
    return np.concatenate([grey, opaque], axis=2)


def _pixels(image: Any) -> _Floats:
    """The pixels with straight alpha: bytes as they are, floats from linear light with premultiplied alpha to sRGB."""
    pixels = _raw(image)
    if not image.is_float:
        return pixels
    alpha = pixels[..., 3:]
    linear = np.clip(np.divide(pixels[..., :3], alpha, out=np.zeros_like(pixels[..., :3]), where=alpha > 0), 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.concatenate([encoded, alpha], axis=2)

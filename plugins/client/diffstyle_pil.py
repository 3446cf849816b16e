"""Paints pictures of Pillow through `diffstyle_client`, for hosts that have Pillow: the web UIs and InvokeAI."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageOps

if __package__:  # in InvokeAI, which loads a package
    from .diffstyle_client import Look, Server, fitted
else:
    from diffstyle_client import Look, Server, fitted


def stylised(
    image: Image.Image,
    look: Look,
    server: Server,
    *,
    mask: Image.Image | None = None,
    longest: int = 0,
    on_progress: Callable[[float, Image.Image | None], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Image.Image:
    """`image` painted in a style: RGBA if it has transparent pixels, else RGB; of its size.

    `mask` is white where it is painted. `longest` is the longest side that is painted, 0 for the picture's own. Raises
    DiffstyleError, and Cancelled once `cancelled` is true.
    """
    look.fields()  # an empty style is said before anything is sent
    server.check()
    photo = plain(image)
    small = photo.resize(fitted(*photo.size, longest), Image.Resampling.LANCZOS)

    def told(done: float, data: bytes | None) -> None:
        if on_progress is not None:
            on_progress(done, None if data is None else opened(data))

    if mask is not None and mask.convert("L").getextrema()[1] == 0:
        return photo  # nothing is to be painted
    kept = None if mask is None else png_of(_transparent(mask.resize(small.size, Image.Resampling.BILINEAR)))
    data = server.stylise(png_of(small), look, mask=kept, on_progress=told, cancelled=cancelled)
    painted = opened(data).convert(photo.mode).resize(photo.size, Image.Resampling.LANCZOS)
    if mask is None or small.size == photo.size:
        return painted
    return Image.composite(painted, photo, mask.convert("L").resize(photo.size))  # what is kept stays sharp


def plain(image: Image.Image) -> Image.Image:
    """A picture as RGB, or RGBA if some of it may be transparent."""
    transparent = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    return image.convert("RGBA" if transparent else "RGB")


def png_of(image: Image.Image) -> bytes:
    """A picture as PNG."""
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    """The picture in the bytes of a PNG."""
    image = Image.open(BytesIO(data))
    image.load()
    return image


def _transparent(mask: Image.Image) -> Image.Image:
    """A mask as the server reads it, transparent where it is painted."""
    alpha = ImageOps.invert(mask.convert("L"))
    return Image.merge("LA", (Image.new("L", alpha.size), alpha))

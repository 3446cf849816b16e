"""Colours of files converted to sRGB: ICC profiles through LittleCMS, and profiles made from gamma and primaries."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

UNUSABLE = "{source} has a colour profile that cannot be used: its colours are read as sRGB."
_SPACES: Mapping[bytes, tuple[str, int]] = {b"GRAY": ("gray", 1), b"RGB ": ("rgb", 3), b"CMYK": ("cmyk", 4)}
_NO_OPTIMIZATION = 0x100  # LittleCMS would go through a coarse table
_SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)  # x and y of white, red, green, blue


def srgb_profile() -> ImageCms.ImageCmsProfile:
    """The ICC profile of a Picture's colours."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownArgumentType]


@cache
def srgb_bytes() -> bytes:
    """That profile as bytes, with a fixed creation date so that equal pictures give equal files."""
    made = srgb_profile().tobytes()
    return made[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + made[36:]  # bytes 24 to 36 hold the creation date


def profile_of(image: Image.Image) -> bytes | None:
    """The ICC profile of an opened file; of a PNG without one, that of its `gAMA` and `cHRM` chunks; None for sRGB."""
    info = image.info
    if profile := info.get("icc_profile"):
        return None if profile == srgb_bytes() else bytes(profile)
    if image.format != "PNG" or "srgb" in info or not ("gamma" in info or "chromaticity" in info):
        return None
    gamma, points = float(info.get("gamma", 0) or 1 / 2.2), tuple(map(float, info.get("chromaticity", ())))
    return _made_profile(grey=image.mode in ("1", "L", "LA", "I", "I;16", "I;16B"), gamma=1 / gamma, points=points)


def _made_profile(*, grey: bool, gamma: float, points: tuple[float, ...]) -> bytes | None:
    """A profile of a `gamma` and of `points`, as in `_SRGB_PRIMARIES`; None for values that describe no colours."""
    import imagecodecs

    if not 0.1 <= gamma <= 10:
        return None
    if grey:
        return imagecodecs.cms_profile("gray", gamma=gamma)
    x_white, y_white, *rest = points if len(points) == 8 and all(0 < p < 1 for p in points) else _SRGB_PRIMARIES
    primaries = [v for x, y in zip(rest[::2], rest[1::2], strict=True) for v in (x, y, 1.0)]
    try:
        return imagecodecs.cms_profile("rgb", whitepoint=[x_white, y_white, 1.0], primaries=primaries, gamma=gamma)
    except (ValueError, RuntimeError):
        return None


def image_to_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """An image of 8 bits a channel in mode L, LA, RGB, RGBA or CMYK in sRGB; None if the profile cannot be used."""
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colour = image if alpha is None else image.convert("L" if image.mode == "LA" else "RGB")
    kind = profile[16:20]
    if kind == b"RGB " and colour.mode == "L":
        colour = colour.convert("RGB")
    elif kind == b"GRAY" and colour.mode == "RGB":
        colour = colour.convert("L")
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        converted = ImageCms.profileToProfile(colour, source, srgb_profile(), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if converted is not None and alpha is not None:
        converted.putalpha(alpha)
    return converted


def array_to_srgb(array: npt.NDArray[Any], profile: bytes) -> npt.NDArray[Any] | None:
    """Colours (H, W, c) of uint16, or float in [0, 1], as sRGB (H, W, 3) in [0, 1]; None if the profile cannot be used.

    A profile for greys takes one channel, one for RGB one or three, one for CMYK four.
    """
    import imagecodecs

    space, channels = _SPACES.get(profile[16:20], ("", 0))
    values = array if array.dtype == np.uint16 else (array.astype(np.float32) * 65535).round().astype(np.uint16)
    if channels == 3 and values.shape[2] == 1:
        values = values.repeat(3, 2)
    if channels == 1 and values.shape[2] == 3:
        values = values[..., :1]
    if values.shape[2] != channels:
        return None
    try:
        found = cast("Any", imagecodecs.cms_transform)(
            np.ascontiguousarray(values if channels > 1 else values[..., 0]),
            profile,
            srgb_bytes(),
            colorspace=space,
            outcolorspace="rgb",
            flags=_NO_OPTIMIZATION,
        )
    except (ValueError, RuntimeError, TypeError):
        return None
    return np.asarray(found, np.float32) / 65535

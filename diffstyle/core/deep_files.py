"""Files with more than 8 bits a channel, which Pillow reduces or misreads: TIFF through tifffile, PNG and AVIF through
imagecodecs.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from diffstyle.core.camera_raw import refuse_raw_pages
from diffstyle.core.colour_profile import UNUSABLE, array_to_srgb, profile_of, srgb_bytes
from diffstyle.core.errors import InputError
from diffstyle.core.hdr import Cicp, to_srgb
from diffstyle.core.reading import too_large

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _CMYK = 0, 1, 2, 5
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _CMYK: 4}
_IGNORED, _ASSOCIATED = 0, 1
_LOWEST, _HIGHEST, _ORIENTATION = 340, 341, 274
_FLOAT_TOPS = (255.0, 65535.0)
_SLIGHTLY_OVER = 4.0  # floats up to here are light that is brighter than white


@dataclass(frozen=True, slots=True, eq=False)
class DeepPixels:
    """`array` (H, W, 1, 3 or 4) of uint16, or of float in [0, 1], sRGB; `orientation` is that of EXIF."""

    array: npt.NDArray[Any]
    orientation: int = 1
    notes: tuple[str, ...] = ()


def read_deep_tiff(data: bytes, source: str, *, most: int) -> DeepPixels | None:
    """A TIFF with more than 8 bits a channel; None if it has fewer, which Pillow reads.

    Raises InputError for camera raw, for more than `most` pixels, and for channels that make no picture.
    """
    import tifffile

    with tifffile.TiffFile(BytesIO(data)) as tiff:
        refuse_raw_pages(tiff, source)
        page: Any = tiff.pages.first
        bits, photometric = page.bitspersample, int(page.photometric or 0)
        if not isinstance(bits, int) or bits <= 8:
            return None
        colours = _COLOURS.get(photometric)
        samples, extra = int(page.samplesperpixel), tuple(int(e) for e in page.extrasamples or ())
        if colours is None or not colours <= samples <= colours + 4 or page.axes not in ("YX", "YXS", "SYX"):
            raise InputError(f"Cannot read {source}: its channels are no colours we know, export it as RGB.")
        if int(page.imagewidth) * int(page.imagelength) > most:
            raise too_large(source, most)
        array = np.asarray(page.asarray())
        if page.axes == "SYX":
            array = array.transpose(1, 2, 0)
        array = array.reshape(*array.shape[:2], -1)  # (h, w, samples)
        tags, notes = page.tags, list[str]()
        if sum(1 for p in tiff.pages if not int(cast("Any", p).subfiletype or 0) & 1) > 1:
            notes.append(f"{source} holds several pictures: only the first is used.")
        low, high = (_number(tags.get(tag)) for tag in (_LOWEST, _HIGHEST))
        array, note = scaled(array, bits, source, low=low, high=high)
        orientation = int(_number(tags.get(_ORIENTATION)) or 1)
        profile = bytes(page.iccprofile) if page.iccprofile else None
    colour, alpha = array[..., :colours], None
    if photometric == _WHITE_IS_ZERO:
        colour = (65535 - colour) if colour.dtype == np.uint16 else 1 - colour.astype(np.float32)
    if samples > colours:
        kind = extra[0] if extra else None
        if kind == _IGNORED:
            notes.append(f"{source} has a channel of no stated meaning, which is not used.")
        else:
            alpha = array[..., colours : colours + 1]
            if kind == _ASSOCIATED:
                colour = _unmultiplied(colour, alpha)
    if note:
        notes.append(note)
    return _finished(colour, alpha, profile, source, orientation, tuple(notes))


def read_deep_png(image: Image.Image, data: bytes, source: str, notes: tuple[str, ...]) -> DeepPixels:
    """A PNG of 16 bits a channel, the first picture of an animated one; `image` is the same file, opened."""
    import imagecodecs

    array = np.asarray(imagecodecs.png_decode(data))
    array = array.reshape(*array.shape[:2], -1)  # (h, w, 1 to 4)
    colours = 1 if array.shape[2] < 3 else 3
    alpha = array[..., colours:] if array.shape[2] > colours else None
    return _finished(array[..., :colours], alpha, profile_of(image), source, 1, notes)


def read_numbered(image: Image.Image, data: bytes, cicp: Cicp, source: str) -> DeepPixels:
    """A PNG, AVIF or HEIF file whose colours are named by `cicp`; `image` is the same file, opened."""
    import imagecodecs

    if image.format == "AVIF":
        array = np.asarray(imagecodecs.avif_decode(data, 0))
        bits = 8 if array.dtype == np.uint8 else _avif_bits(data)
    elif image.format == "PNG":
        array = np.asarray(imagecodecs.png_decode(data))
        bits = 8 * array.dtype.itemsize
    else:
        array, bits = np.asarray(image.convert("RGBA" if "A" in image.mode else "RGB")), 8
    values = np.clip(array.reshape(*array.shape[:2], -1).astype(np.float32) / (2**bits - 1), 0, 1)
    if values.shape[2] < 3:
        values = np.concatenate([values[..., :1].repeat(3, 2), values[..., 1:]], 2)
    colour = to_srgb(values[..., :3], cicp)
    notes = (f"{source} is an HDR picture: its highlights were compressed.",) if cicp.high_range else ()
    return DeepPixels(np.concatenate([colour, values[..., 3:]], 2), 1, notes)


def scaled(
    array: npt.NDArray[Any], bits: int, source: str, *, low: float | None = None, high: float | None = None
) -> tuple[npt.NDArray[Any], str]:
    """Samples as uint16, or as float in [0, 1], and a sentence if their range had to be guessed.

    Integers of `bits` run from 0 to their largest value, or to `high` if the file states it; floats from `low` to
    `high`, or from 0 to 1, 255 or 65535, whichever holds the largest. Raises InputError for signed integers.
    """
    if array.dtype.kind == "i":
        raise InputError(f"Cannot read {source}: its samples are signed numbers, export it with unsigned ones.")
    if array.dtype.kind == "u":
        top = 2**bits - 1
        stated = high is not None and 0 < high < top and float(array.max(initial=0)) <= high
        top = float(high or top) if stated else top
        if top == 65535 and array.dtype == np.uint16:
            return array, ""
        return (array.astype(np.float64) / top).astype(np.float32), ""
    values = array.astype(np.float32)
    note = ""
    if not np.isfinite(values).all():
        values, note = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0), f"{source} has pixels without a value."
    most = float(values.max(initial=0))
    if high is not None and high > (low or 0) and most <= high:
        return np.clip((values - (low or 0)) / (high - (low or 0)), 0, 1), note
    if most <= 1:
        return np.clip(values, 0, 1), note
    if most <= _SLIGHTLY_OVER:
        return np.clip(values, 0, 1), f"{source} has values above 1, which are white here."
    top = next((t for t in _FLOAT_TOPS if most <= t), most)
    return np.clip(values / top, 0, 1), f"{source} does not say its range: it is read as 0 to {top:g}."


def _finished(
    colour: npt.NDArray[Any],
    alpha: npt.NDArray[Any] | None,
    profile: bytes | None,
    source: str,
    orientation: int,
    notes: tuple[str, ...],
) -> DeepPixels:
    """Colours through their profile, CMYK without one by the usual rule, and alpha joined to them."""
    if profile is not None and profile != srgb_bytes():
        converted = array_to_srgb(colour, profile)
        notes = notes if converted is not None else (*notes, UNUSABLE.format(source=source))
        colour = colour if converted is None else converted
    if colour.shape[2] == 4:
        ink = _fractions(colour)
        colour = (1 - ink[..., :3]) * (1 - ink[..., 3:])
    if alpha is not None:
        if colour.shape[2] == 1:
            colour = colour.repeat(3, 2)
        same = colour.dtype == alpha.dtype
        parts = [colour, alpha] if same else [_fractions(colour), _fractions(alpha)]
        colour = np.concatenate(parts, 2)
    return DeepPixels(colour, orientation, notes)


def _fractions(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array.astype(np.float32) / (65535 if array.dtype == np.uint16 else 1)


def _unmultiplied(colour: npt.NDArray[Any], alpha: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.clip(_fractions(colour) / np.maximum(_fractions(alpha), 1e-6), 0, 1)


def _avif_bits(data: bytes) -> int:
    """Of an AVIF whose samples take two bytes: 10 or 12, from its AV1 configuration (av1C)."""
    at = data.find(b"av1C")
    return 12 if at >= 0 and data[at + 6] & 0x20 else 10


def _number(tag: Any) -> float | None:
    value = getattr(tag, "value", None)
    value = max(value) if isinstance(value, (tuple, list)) and value else value  # pyright: ignore
    return float(value) if isinstance(value, (int, float)) else None

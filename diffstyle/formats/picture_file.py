"""Encodes pictures as PNG, JPEG, WebP and TIFF of 8 or 16 bits, with the sRGB profile and an embedded text."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from diffstyle.core.cancelling import check_cancelled
from diffstyle.core.colour_profile import srgb_bytes
from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture

if TYPE_CHECKING:
    from typing_extensions import Buffer

KEY = "diffstyle"
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
SIDES = {"PNG": 2**31 - 1, "JPEG": 65_500, "WEBP": 16_383, "TIFF": 2**31 - 1}
DEEP = ("PNG", "TIFF")  # formats with 16 bits a channel
_EXIF_IFD, _USER_COMMENT, _DESCRIPTION = 0x8769, 0x9286, 270
_COMMENT_HEAD = b"ASCII\0\0\0"
_SEGMENT = 65_000  # bytes that fit into one segment of a JPEG
_COMMENT = b"\xff\xfe"  # the marker of a JPEG comment
_PART_HEAD = KEY.encode("ascii") + b"\0"  # how a comment with a part of a long text begins
_ZIPPED_LIMIT = 2**20  # bytes of packed text that Pillow unpacks from a PNG


class _Buffer(BytesIO):
    """What is written while a picture is compressed, which takes seconds of a large one and can be cancelled."""

    def write(self, data: Buffer, /) -> int:
        check_cancelled()
        return super().write(data)


def output_format(path: Path) -> str:
    """PIL's name of the format for the suffix of `path`; InputError for any other suffix."""
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise InputError(f"Cannot write {path}: end the name in .png, .jpg, .webp or .tif.") from None


def check_output(path: Path, size: tuple[int, int] | None, *, depth: int = 8) -> str:
    """PIL's name of the format for `path`; InputError if it cannot hold a picture of that `size` and bit `depth`."""
    kind = output_format(path)
    if size is not None and max(size) > SIDES[kind]:
        raise InputError(f"Cannot write {path}: {kind} holds at most {SIDES[kind]} pixels a side, save it as PNG.")
    if depth > 8 and kind not in DEEP:
        raise InputError(f"Cannot write {path}: {kind} holds 8 bits a channel, save it as PNG or TIFF.")
    return kind


def encode(picture: Picture, kind: str, text: str, *, depth: int = 8, quality: int | None = None) -> bytes:
    """The bytes of a PNG, TIFF, lossless WebP or JPEG with the ASCII `text` embedded, unless it is empty.

    JPEG has no alpha channel: transparent pictures are composited on white. A text that is too long for its EXIF is
    spread over comments. `quality`, from 0 to 100, is that of a JPEG, 95 if not given, or makes a WebP lossy.
    """
    if kind == "TIFF":
        return encode_tiff([picture], [text], depth=depth)
    if kind == "PNG" and depth == 16:
        return _deep_png(picture.to_array(16), text)
    image, buffer, profile = picture.to_pil(), _Buffer(), srgb_bytes()
    if kind == "PNG":
        inside = PngInfo()
        if text:
            inside.add_itxt(KEY, text, zip=len(text) < _ZIPPED_LIMIT)
        image.save(buffer, kind, pnginfo=inside, compress_level=4, icc_profile=profile)
        return buffer.getvalue()
    spread = kind == "JPEG" and len(text) > _SEGMENT
    exif = Image.Exif() if spread or not text else _exif(text)
    if kind == "JPEG":
        if image.mode == "RGBA":
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image).convert("RGB")
        image.save(
            buffer, kind, quality=95 if quality is None else quality, subsampling=0, exif=exif, icc_profile=profile
        )
    elif quality is None:
        image.save(buffer, kind, lossless=True, exact=True, exif=exif, icc_profile=profile)
    else:
        image.save(buffer, kind, quality=quality, exif=exif, icc_profile=profile)
    return _with_comments(buffer.getvalue(), text) if spread else buffer.getvalue()


def encode_tiff(pages: list[Picture], texts: list[str], *, depth: int = 8) -> bytes:
    """The bytes of a TIFF with one page for each picture and its ASCII text as the description."""
    import tifffile

    buffer = BytesIO()
    pixels = sum(p.width * p.height for p in pages)
    with tifffile.TiffWriter(buffer, bigtiff=pixels * depth // 2 > 2**31) as file:
        for page, text in zip(pages, texts, strict=True):
            extra: dict[str, Any] = {} if page.alpha is None else {"extrasamples": ["unassalpha"]}
            file.write(
                page.to_array(depth),
                photometric="rgb",
                compression="zlib",
                description=text or None,
                iccprofile=srgb_bytes(),
                metadata=None,
                rowsperstrip=max(1, 2**20 // page.width),
                **extra,
            )
    return buffer.getvalue()


def embedded(image: Image.Image) -> str | None:
    """The text that `encode` embedded in an opened file, or None."""
    if image.format == "PNG":
        image.load()  # text chunks may follow the pixels
        text = cast("dict[str, str]", getattr(image, "text", {})).get(KEY)
        return None if text is None else str(text)
    if image.format == "TIFF":
        description = image.getexif().get(_DESCRIPTION)
        return description if isinstance(description, str) and description.startswith("{") else None
    if image.format == "JPEG":
        comments = [
            data for name, data in cast("list[tuple[str, bytes]]", getattr(image, "applist", [])) if name == "COM"
        ]
        parts = [data.removeprefix(_PART_HEAD) for data in comments if data.startswith(_PART_HEAD)]
        if parts:
            return b"".join(parts).decode("ascii", "replace")
    comment = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if not isinstance(comment, bytes) or not comment.startswith(_COMMENT_HEAD + b"{"):
        return None
    return comment.removeprefix(_COMMENT_HEAD).decode("ascii", "replace")


def exif_block(text: str) -> bytes:
    """An EXIF block with the ASCII `text`, as `embedded` reads it."""
    return _exif(text).tobytes()


def _exif(text: str) -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = _COMMENT_HEAD + text.encode("ascii")
    return exif


def _with_comments(jpeg: bytes, text: str) -> bytes:
    """The file with `text` in as many comments as it takes, in order, behind its JFIF header."""
    data = text.encode("ascii")
    parts = [_PART_HEAD + data[n : n + _SEGMENT] for n in range(0, len(data), _SEGMENT)]
    segments = [_COMMENT + struct.pack(">H", 2 + len(part)) + part for part in parts]
    start = 4 + int.from_bytes(jpeg[4:6], "big")
    return jpeg[:start] + b"".join(segments) + jpeg[start:]


def _deep_png(array: npt.NDArray[np.uint16], text: str) -> bytes:
    """(h, w, 3 or 4) as a PNG of 16 bits a channel, which OpenCV writes and Pillow does not.

    The chunks for colour profile and text are inserted behind the header.
    """
    import cv2

    order = (2, 1, 0, 3)[: array.shape[2]]  # OpenCV's BGR
    _, encoded = cv2.imencode(".png", array[..., order], [cv2.IMWRITE_PNG_COMPRESSION, 4])
    data = encoded.tobytes()
    header = 8 + 25  # the signature and the IHDR chunk
    profile = _chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(srgb_bytes()))
    plain, zipped = text.encode("ascii"), len(text) < _ZIPPED_LIMIT
    head = KEY.encode("ascii") + (b"\0\x01" if zipped else b"\0\0") + b"\0\0\0"
    inside = _chunk(b"iTXt", head + (zlib.compress(plain) if zipped else plain))
    return data[:header] + profile + (inside if text else b"") + data[header:]


def _chunk(name: bytes, data: bytes) -> bytes:
    """A PNG chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

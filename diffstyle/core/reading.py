"""Opening picture files with Pillow: which decoders there are, and one sentence for whatever they raise."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from io import BytesIO
from mimetypes import guess_type
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from diffstyle.core.errors import Cancelled, InputError, explain
from diffstyle.core.user_path import check_regular

MAX_PIXELS = 2**27  # twice 8192 x 8192
MAX_BYTES = 2**32  # of a file
MOVING = ("GIF", "WEBP", "PNG", "AVIF", "JXL")
_ORIENTATION = 0x0112
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_JXL_HEADS = (b"\xff\x0a", b"\0\0\0\x0cJXL ")
_TURNS: Mapping[int, Callable[[npt.NDArray[np.generic]], npt.NDArray[np.generic]]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}
_TRANSPOSED: Mapping[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@contextmanager
def reading(source: str) -> Generator[None]:
    """Turn whatever a decoder raises inside into an InputError about `source`, and hide its warnings.

    Decoders raise anything: Pillow's plugins a dozen kinds, those written in Rust even what is no Exception.
    """
    try:
        with warnings.catch_warnings(), _silent("tifffile"):
            warnings.simplefilter("ignore")
            yield
    except (InputError, Cancelled, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except Image.DecompressionBombError:
        raise too_large(source) from None
    except UnidentifiedImageError:
        if (guess_type(source)[0] or "").startswith("video/"):
            raise InputError(
                f"Cannot read {source}: it is a clip, give a picture; `diffstyle video` paints clips."
            ) from None
        raise InputError(
            f"Cannot read {source}: this is not a picture, give a PNG, JPEG, WebP, TIFF, HEIC, AVIF or JPEG XL file."
        ) from None
    except MemoryError:
        raise InputError(f"Cannot read {source}: it does not fit into memory, make it smaller.") from None
    except NotImplementedError as error:
        raise InputError(
            f"Cannot read {source}: it is of a rare kind that is not supported, export it as PNG."
        ) from error
    except BaseException as error:
        if isinstance(error, OSError) and error.errno:
            raise explain(error, f"read {source}") from error
        reason = "is cut off" if "truncated" in str(error) else "is damaged"
        raise InputError(f"Cannot read {source}: the file {reason}, copy or export it again.") from error


@contextmanager
def _silent(name: str) -> Generator[None]:
    """A logger that says nothing: what a file is like is said once, by the error."""
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def open_image(data: bytes, source: str, *, most: int = MAX_PIXELS) -> Image.Image:
    """An opened file, its pixels not decoded yet; to be called inside `reading`. InputError for over `most`
    pixels.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS and b"avif" not in data[12:40]:
        _register_heif(source)
    elif data.startswith(_JXL_HEADS):
        _register_jxl(source)
    image = Image.open(BytesIO(data))
    check_size(image, source, most)
    return image


def read_bytes(path: Path) -> bytes:
    """The content of a file; InputError if it cannot be read, is empty, or is a device or a pipe, which may not end."""
    try:
        check_regular(path)
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"Cannot read {path}: it is larger than any picture; give a picture file.")
        data = path.read_bytes()
    except InputError:
        raise
    except OSError as error:
        raise explain(error, f"read {path}") from error
    except ValueError:  # a NUL in the name
        raise InputError(f"Cannot read {str(path)!r}: this is no name of a file.") from None
    if not data:
        raise InputError(f"Cannot read {path}: the file is empty, copy it again.")
    return data


def check_size(image: Image.Image, source: str, most: int = MAX_PIXELS) -> None:
    """InputError for an image of more than `most` pixels."""
    if image.width * image.height > most:
        raise too_large(source, most)


def too_large(source: str, most: int = MAX_PIXELS) -> InputError:
    """What there is to say of a picture with too many pixels."""
    millions = f"{round(most / 1e6, 1):g} million pixels"
    return InputError(f"Cannot use {source}: it has more than {millions}, make it smaller.")


def left_out(image: Image.Image, source: str) -> tuple[str, ...]:
    """A note if an opened file holds more than one picture."""
    if getattr(image, "n_frames", 1) == 1:
        return ()
    what = "is animated: only its first frame" if image.format in MOVING else "holds several pictures: only the first"
    return (f"{source} {what} is used.",)


def orientation_of(image: Image.Image) -> int:
    """The orientation in the EXIF block, from 1 to 8; 1 if the block is missing or broken, as many are."""
    try:
        found = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        return 1
    return found if found in _TURNS else 1


def upright(image: Image.Image) -> Image.Image:
    """`image` turned as its EXIF orientation says; what else is known of it stays."""
    image.load()  # Pillow itself turns a TIFF while it loads
    turn = _TRANSPOSED.get(orientation_of(image))
    if turn is None:
        return image
    turned = image.transpose(turn)
    turned.format = image.format
    turned.info = {k: v for k, v in image.info.items() if k != "exif"}
    return turned


def turned(array: npt.NDArray[np.generic], orientation: int) -> npt.NDArray[np.generic]:
    """An array (H, W, c) turned as an EXIF orientation says."""
    turn = _TURNS.get(orientation)
    return array if turn is None else turn(array)


def _register_heif(source: str) -> None:
    try:
        import pillow_heif
    except ImportError:
        raise _missing(source, "HEIC", "pillow-heif") from None
    pillow_heif.register_heif_opener()


def _register_jxl(source: str) -> None:
    try:
        import pillow_jxl  # noqa: F401 - registers itself  # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise _missing(source, "JPEG XL", "pillow-jxl-plugin") from None


def _missing(source: str, kind: str, package: str) -> InputError:
    return InputError(f"Cannot read {source}: {kind} needs the package {package}, pip install {package}.")

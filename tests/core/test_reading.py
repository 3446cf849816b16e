"""Decoders that raise anything, and blocks of metadata that are broken while the pixels are whole."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from diffstyle import InputError, Picture
from diffstyle.core.reading import reading
from tests.helpers.pictures import waves


class RustPanic(BaseException):
    """As decoders written in Rust raise it."""


@pytest.mark.parametrize(
    "error",
    [
        *[
            RuntimeError("invalid item"),
            NotImplementedError("DXGI 93"),
            RecursionError(),
            AssertionError(),
            KeyError(1),
        ],
        *[
            struct.error("unpack"),
            ZeroDivisionError(),
            MemoryError(),
            OverflowError(),
            RustPanic(),
            OSError("truncated"),
        ],
        *[UnidentifiedImageError(), Image.DecompressionBombError(), UnicodeDecodeError("ascii", b"", 0, 1, "no")],
    ],
)
def test_whatever_a_decoder_raises_is_a_sentence(error: BaseException) -> None:
    with pytest.raises(InputError, match=r"a\.png.*\.$"), reading("a.png"):
        raise error


def test_an_interrupt_stays_one() -> None:
    with pytest.raises(KeyboardInterrupt), reading("a.png"):
        raise KeyboardInterrupt


def test_a_dds_of_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    head = struct.pack("<4s7I44x2I4s20x5I", b"DDS ", 124, 0x1007, 64, 64, 256, 0, 0, 32, 4, b"DX10", 0x1000, 0, 0, 0, 0)
    (tmp_path / "a.dds").write_bytes(head + struct.pack("<5I", 93, 3, 0, 1, 0) + bytes(64 * 64 * 4))
    with pytest.raises(InputError, match=r"a\.dds"):
        Picture.open(tmp_path / "a.dds")


@pytest.mark.parametrize("suffix", [".webp", ".jpg", ".png", ".tif"])
@pytest.mark.parametrize(
    "exif", [b"Exif\0\0" + b"\xff" * 40, b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\x01\0\x12\x01"]
)
def test_a_broken_exif_block_does_not_condemn_the_pixels(suffix: str, exif: bytes, tmp_path: Path) -> None:
    image = Image.fromarray(waves(64, 48))
    options: dict[str, Any] = {} if suffix == ".tif" else {"exif": exif}
    image.save(tmp_path / f"a{suffix}", quality=95, **options)
    picture = Picture.open(tmp_path / f"a{suffix}")
    assert picture.size == (64, 48)
    assert np.abs(picture.to_array().astype(int) - waves(64, 48)).mean() < 16


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "a\0b", "loop"])
def test_what_is_no_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError):
        Picture.open(tmp_path / name)

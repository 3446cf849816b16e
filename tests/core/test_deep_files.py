"""Pictures with more than 8 bits a channel, and colours that a file states: right, or a note says what was guessed."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image, ImageCms

from diffstyle import InputError, Picture
from diffstyle.core.colour_profile import srgb_bytes
from diffstyle.core.hdr import Cicp, to_srgb
from tests.helpers.pictures import waves

RAMP = np.linspace(0, 1, 64, dtype=np.float32)[None].repeat(48, 0)
COLOURS = waves(64, 48)
DEEP = COLOURS.astype(np.uint16) * 257


def opened(folder: Path, data: bytes, name: str = "a.png") -> Picture:
    (folder / name).write_bytes(data)
    return Picture.open(folder / name)


def tiff(folder: Path, array: npt.NDArray[Any], **options: Any) -> Picture:
    cast("Any", tifffile).imwrite(folder / "a.tif", array, **options)
    return Picture.open(folder / "a.tif")


def error(picture: Picture, expected: npt.NDArray[Any]) -> float:
    """The largest difference of colours in 255ths; `expected` is (H, W) or (H, W, 3) in [0, 1]."""
    expected = expected[..., None].repeat(3, 2) if expected.ndim == 2 else expected
    return float(np.abs(picture.pixels.numpy().transpose(1, 2, 0) - expected).max() * 255)


def littlecms(array: npt.NDArray[Any], profile: bytes) -> npt.NDArray[np.float64]:
    """What LittleCMS makes of 8-bit colours, through Pillow."""
    source, target = ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.ImageCmsProfile(BytesIO(srgb_bytes()))
    found = ImageCms.profileToProfile(Image.fromarray(array), source, target, outputMode="RGB")
    assert found is not None
    return np.asarray(found) / 255


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_with(array: npt.NDArray[Any], *chunks: bytes) -> bytes:
    """A PNG with `chunks` behind its header."""
    data = bytes(imagecodecs.png_encode(array))
    return data[:33] + b"".join(chunks) + data[33:]


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_deep_tiffs_keep_their_colours(planar: str, tmp_path: Path) -> None:
    array = DEEP if planar == "contig" else DEEP.transpose(2, 0, 1)
    for compression in (None, "zlib", "lzw"):
        picture = tiff(tmp_path, array, photometric="rgb", planarconfig=planar, compression=compression)
        assert error(picture, COLOURS / 255) < 0.01


def test_white_is_zero_and_twelve_bits(tmp_path: Path) -> None:
    grey = (RAMP * 65535).round().astype(np.uint16)
    assert error(tiff(tmp_path, grey, photometric="miniswhite"), 1 - RAMP) < 0.01
    twelve = (RAMP * 4095).round().astype(np.uint16)
    assert error(tiff(tmp_path, twelve, photometric="minisblack", bitspersample=12), RAMP) < 0.1
    stated = [(341, "H", 1, 4095, True)]
    assert error(tiff(tmp_path, twelve, photometric="minisblack", extratags=stated), RAMP) < 0.1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_associated_alpha_is_divided_out(dtype: Any, tmp_path: Path) -> None:
    alpha = np.linspace(0.1, 1, 64)[None, :, None].repeat(48, 0)
    array = np.concatenate([COLOURS / 255 * alpha, alpha], 2)
    array = array.astype(dtype) if dtype == np.float32 else (array * np.iinfo(dtype).max).round().astype(dtype)
    picture = tiff(tmp_path, array, photometric="rgb", extrasamples=["assocalpha"])
    assert picture.alpha is not None
    assert float(np.abs(picture.alpha.numpy()[0] - alpha[..., 0]).max()) < 1 / 255
    assert error(picture, COLOURS / 255) < (13 if dtype == np.uint8 else 0.1)


@pytest.mark.parametrize(
    ("array", "expected", "note"),
    [
        (RAMP, RAMP, ""),
        (RAMP * 1.5, np.clip(RAMP * 1.5, 0, 1), "above 1"),
        (RAMP * 255, RAMP, "0 to 255"),
        (RAMP * 65535, RAMP, "0 to 65535"),
        ((RAMP.astype(float) * (2**32 - 1)).astype(np.uint32), RAMP, ""),
        (np.where(RAMP > 0.9, np.nan, RAMP).astype(np.float32), np.where(RAMP > 0.9, 0, RAMP), "without a value"),
    ],
)
def test_the_range_of_greys_is_right_or_said(
    array: npt.NDArray[Any], expected: npt.NDArray[Any], note: str, tmp_path: Path
) -> None:
    picture = tiff(tmp_path, array, photometric="minisblack")
    assert error(picture, expected) < 1
    assert note in " ".join(picture.notes)
    assert bool(note) == bool(picture.notes)


def test_a_stated_range_needs_no_note(tmp_path: Path) -> None:
    tags = [(340, "f", 1, -10.0, True), (341, "f", 1, 30.0, True)]
    picture = tiff(tmp_path, RAMP * 40 - 10, photometric="minisblack", extratags=tags)
    assert error(picture, RAMP) < 0.1
    assert not picture.notes


@pytest.mark.parametrize(
    ("array", "photometric"),
    [
        ((RAMP * 3000 - 100).astype(np.int16), "minisblack"),
        (np.dstack([DEEP, DEEP, DEEP]), "rgb"),
        (DEEP, "cielab"),
    ],
)
def test_channels_that_are_no_colours_are_refused(array: npt.NDArray[Any], photometric: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="export it"):
        tiff(tmp_path, array, photometric=photometric)


@pytest.mark.parametrize("kind", ["L", "LA", "16", "RGB"])
def test_grey_profiles_are_converted(kind: str, tmp_path: Path) -> None:
    profile = bytes(imagecodecs.cms_profile("gray", gamma=1.8))
    grey = np.asarray(Image.fromarray(COLOURS).convert("L"))
    image = Image.fromarray(grey.astype(np.uint16) * 257) if kind == "16" else Image.fromarray(grey).convert(kind)
    image.save(tmp_path / "a.png", icc_profile=profile)
    assert error(Picture.open(tmp_path / "a.png"), littlecms(grey, profile)) <= 2


@pytest.mark.parametrize("depth", [8, 16])
def test_gamma_and_primaries_of_a_png(depth: int, tmp_path: Path) -> None:
    primaries = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
    chunks = [
        chunk(b"gAMA", struct.pack(">I", round(100000 / 1.8))),
        chunk(b"cHRM", struct.pack(">8I", *(round(v * 100000) for v in primaries))),
    ]
    x_white, y_white, *rest = primaries
    points = [v for x, y in zip(rest[::2], rest[1::2], strict=True) for v in (x, y, 1.0)]
    profile = bytes(imagecodecs.cms_profile("rgb", whitepoint=[x_white, y_white, 1.0], primaries=points, gamma=1.8))
    picture = opened(tmp_path, png_with(COLOURS if depth == 8 else DEEP, *chunks))
    assert error(picture, littlecms(COLOURS, profile)) <= 2
    assert error(picture, COLOURS / 255) > 10
    said = opened(tmp_path, png_with(COLOURS, chunk(b"sRGB", b"\0"), *chunks))
    assert error(said, COLOURS / 255) < 0.01


def test_transparent_colours_of_deep_pngs(tmp_path: Path) -> None:
    key = DEEP[5, 7]
    picture = opened(tmp_path, png_with(DEEP, chunk(b"tRNS", struct.pack(">3H", *key))))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha.numpy()[0] == 0, (key == DEEP).all(2))
    assert error(picture, COLOURS / 255) < 0.01
    grey = (RAMP * 65535).round().astype(np.uint16)
    picture = opened(tmp_path, png_with(grey, chunk(b"tRNS", struct.pack(">H", 0))))
    assert picture.alpha is not None
    assert error(picture, RAMP) < 0.01


def test_a_deep_animated_png_gives_its_first_frame(tmp_path: Path) -> None:
    data = bytes(imagecodecs.apng_encode(np.stack([DEEP, 65535 - DEEP])))
    picture = opened(tmp_path, data)
    assert error(picture, COLOURS / 255) < 0.01
    assert "first frame" in picture.notes[0]


@pytest.mark.parametrize("suffix", [".heic", ".jxl", ".avif"])
def test_new_formats_open(suffix: str, tmp_path: Path) -> None:
    import pillow_heif
    import pillow_jxl  # noqa: F401  # pyright: ignore[reportUnusedImport]

    pillow_heif.register_heif_opener()
    smooth = Image.fromarray(COLOURS).resize((16, 12)).resize((128, 96))
    smooth.save(tmp_path / f"a{suffix}", quality=95)
    picture = Picture.open(tmp_path / f"a{suffix}")
    assert picture.size == (128, 96)
    assert np.abs(picture.to_array().astype(int) - np.asarray(smooth)).mean() < 4


def test_colours_named_by_number(tmp_path: Path) -> None:
    grey = np.full((48, 64, 3), 0.5, np.float32)
    for transfer, white in ((16, 0.5807), (18, 0.75)):  # diffuse white of BT.2408
        found = to_srgb(np.full((2, 2, 3), white, np.float32), Cicp(9, transfer))
        assert 0.85 < found.min() <= found.max() <= 1
    assert np.abs(to_srgb(grey, Cicp(12, 13)) - 0.5).max() < 1e-3
    red = (np.array([[[1.0, 0, 0]]]).repeat(48, 0).repeat(64, 1) * 65535).astype(np.uint16)
    data = png_with(red // 2, chunk(b"cICP", bytes([9, 16, 0, 1])))
    picture = opened(tmp_path, data)
    assert "HDR" in picture.notes[0]
    assert float(picture.pixels[1:].max()) == 0


def test_camera_raw_is_refused(tmp_path: Path) -> None:
    cfa = (RAMP * 65535).astype(np.uint16)
    for name in ("DSC_0001.nef", "renamed.tif"):  # a small preview first, the picture behind it
        with tifffile.TiffWriter(tmp_path / name) as file:
            file.write(COLOURS[::3, ::3], photometric="rgb", subfiletype=1, subifds=1)
            file.write(cfa, photometric=32803, subfiletype=0)
        with pytest.raises(InputError, match="camera raw"):
            Picture.open(tmp_path / name)
    for data in (b"FUJIFILMCCD-RAW 0201", b"\0\0\0\x18ftypcrx \0\0\0\1", b"IIRO\x08\0\0\0", b"II*\0\x10\0\0\0CR\x02\0"):
        with pytest.raises(InputError, match="camera raw"):
            opened(tmp_path, data + bytes(64), "a.bin")

"""Files of 8 and 16 bits with profile, alpha and a text inside."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from diffstyle import InputError, Picture, Style, Stylizer, read_recipe
from diffstyle.core.colour_profile import srgb_bytes
from diffstyle.formats.picture_file import embedded, encode
from tests.conftest import waves
from tests.helpers.cli import run


def chunks_of(png: bytes) -> list[bytes]:
    """The names of the chunks of a PNG, whose checksums must be right."""
    names: list[bytes] = []
    place = 8
    while place < len(png):
        length, name = struct.unpack(">I4s", png[place : place + 8])
        data = png[place + 8 : place + 8 + length]
        assert zlib.crc32(name + data) == struct.unpack(">I", png[place + 8 + length :][:4])[0]
        names.append(name)
        place += 12 + length
    return names


@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_are_all_there(channels: int, tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 2**16, (40, 31, channels), dtype=np.uint16)
    picture = Picture.from_array(array)
    png, tiff = (encode(picture, kind, '{"a": 1}', depth=16) for kind in ("PNG", "TIFF"))
    assert {b"iCCP", b"iTXt"} < set(chunks_of(png))
    assert struct.unpack(">IIB", png[16:25]) == (31, 40, 16)
    assert np.array_equal(tifffile.imread(BytesIO(tiff)), array)
    for name, data in (("a.png", png), ("a.tif", tiff)):
        with Image.open(BytesIO(data)) as image:
            assert embedded(image) == '{"a": 1}'
        (tmp_path / name).write_bytes(data)
        assert Picture.open(tmp_path / name) == picture
        assert np.array_equal(Picture.open(tmp_path / name).to_array(16), array)
        (tmp_path / name).write_bytes(data[: len(data) // 2])
        with pytest.raises(InputError, match=r"cut off|damaged"):
            Picture.open(tmp_path / name)


@pytest.mark.parametrize("turned", range(1, 9))
def test_sixteen_bits_are_turned_as_exif_says(turned: int, tmp_path: Path) -> None:
    array = np.random.default_rng(turned).integers(0, 2**16, (40, 31, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", extratags=[(274, "H", 1, turned, True)])
    with Image.open(tmp_path / "a.tif") as image:
        eight = Picture.from_pil(image)
    found = Picture.open(tmp_path / "a.tif")
    assert found.size == eight.size
    assert float((found.pixels - eight.pixels).abs().max()) < 1 / 255
    assert sorted(found.to_array(16).ravel()) == sorted(array.ravel())


def test_sixteen_bits_with_another_profile_are_kept(tmp_path: Path) -> None:
    other = srgb_bytes() + b"\0"  # not ours to the byte
    array = np.random.default_rng(0).integers(0, 2**16, (40, 31, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", iccprofile=other)
    picture = Picture.open(tmp_path / "a.tif")
    assert not picture.notes
    assert len(np.unique(picture.pixels.numpy())) > 2000
    assert np.abs(picture.to_array().astype(int) - np.round(array / 257)).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("depth", [8, 16])
def test_the_profile_is_srgb_and_equal_pictures_are_equal_files(kind: str, depth: int) -> None:
    if depth == 16 and kind in ("JPEG", "WEBP"):
        pytest.skip("holds 8 bits")
    picture = Picture.from_array(waves(40, 30))
    data = encode(picture, kind, "{}", depth=depth)
    assert data == encode(picture, kind, "{}", depth=depth)
    with Image.open(BytesIO(data)) as image:
        profile = image.info["icc_profile"]
        assert profile == srgb_bytes()
        assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(profile)))
        again = Picture.from_pil(image)
    assert float((again.pixels - picture.pixels).abs().max()) < (0.05 if kind == "JPEG" else 1 / 250)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_deep_file_holds_the_recipe(
    suffix: str, stylizer: Stylizer, photo: Picture, painting: Style, tmp_path: Path
) -> None:
    result = stylizer.stylize(photo, painting, engine="adain")
    path = result.save(tmp_path / f"out.{suffix}", depth=16)
    recipe = read_recipe(path)
    assert recipe == result.recipe(depth=16)
    with pytest.raises(InputError, match="8 bits"):
        result.save(tmp_path / "out.jpg", depth=16)
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


def test_a_deep_tiff_is_replayed(photo_file: Path, painting_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    assert run("stylize", photo_file, "-s", painting_file, "-o", out, "--depth", 16, "--colour", "match") == 0
    assert run("replay", out, "--content", photo_file) == 0
    one, again = (tifffile.imread(path) for path in (out, tmp_path / "out.replay.tif"))
    assert one.dtype == np.uint16
    assert np.array_equal(one, again)

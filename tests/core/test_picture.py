"""Pictures in, pictures out, and every kind of file that people have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from diffstyle import InputError, Picture
from diffstyle.core.colour_profile import srgb_profile
from tests.conftest import waves
from tests.helpers.bad_files import BAD_FILES

SHAPES = st.tuples(st.integers(16, 40), st.integers(16, 40))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_eight_bit_arrays_survive(data: st.DataObject) -> None:
    height, width = data.draw(SHAPES)
    channels = data.draw(st.sampled_from([1, 3, 4]))
    array = data.draw(npst.arrays(np.uint8, (height, width, channels)))
    picture = Picture.from_array(array)
    assert picture.size == (width, height)
    back = picture.to_array()
    expected = np.repeat(array, 3, 2) if channels == 1 else array
    assert np.array_equal(back, expected)
    assert Picture.from_array(back) == picture
    assert Picture.from_array(back).digest() == picture.digest()


@given(SHAPES, st.sampled_from(["L", "LA", "RGB", "RGBA", "CMYK", "P", "1", "I;16"]))
@settings(max_examples=40, deadline=None)
def test_every_mode_is_read(shape: tuple[int, int], mode: str) -> None:
    height, width = shape
    image = Image.fromarray(waves(width, height))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    picture = Picture.from_pil(image)
    assert picture.size == (width, height)
    assert (picture.alpha is not None) == (mode in ("LA", "RGBA"))
    if mode != "1":
        grey = mode in ("L", "LA", "I;16")
        expected = np.asarray(Image.fromarray(waves(width, height)).convert("L" if grey else "RGB"))
        expected = np.repeat(expected[..., None], 3, 2) if grey else expected
        tolerance = 60 if mode == "P" else 3
        assert np.abs(picture.to_array()[..., :3].astype(int) - expected).max() <= tolerance


def test_sixteen_bits_are_kept() -> None:
    ramp = np.linspace(0, 65535, 64 * 32).reshape(32, 64).astype(np.uint16)
    picture = Picture.from_pil(Image.fromarray(ramp))
    assert len(np.unique(picture.pixels.numpy())) > 1000


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to view
    Image.fromarray(waves(64, 32)).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    picture = Picture.open(tmp_path / "turned.jpg")
    assert picture.size == (32, 64)
    upright = np.rot90(waves(64, 32), -1).astype(int)
    assert np.abs(picture.to_array().astype(int) - upright).mean() < 8


def test_profile_is_converted(tmp_path: Path) -> None:
    # a profile whose red and blue are exchanged shows at once whether it was applied
    profile = srgb_profile().tobytes()
    red, blue = profile.find(b"rXYZ"), profile.find(b"bXYZ")
    swapped = bytearray(profile)
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    Image.new("RGB", (32, 32), (255, 0, 0)).save(tmp_path / "swapped.png", icc_profile=bytes(swapped))
    pixel = Picture.open(tmp_path / "swapped.png").pixels[:, 16, 16]
    assert pixel[2] > 0.9
    assert pixel[0] < 0.2


def test_broken_profile_is_ignored(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), (255, 0, 0)).save(tmp_path / "broken.png", icc_profile=b"not a profile")
    assert Picture.open(tmp_path / "broken.png").pixels[0].min() == 1


def test_animation_gives_its_first_frame_and_says_so(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (32, 32), c) for c in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    picture = Picture.open(tmp_path / "moving.gif")
    assert picture.pixels[0].mean() > 0.9
    assert "first frame" in picture.notes[0]


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_get_a_sentence(name: str, tmp_path: Path) -> None:
    data, expected = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        Picture.open(path)
    message = str(caught.value)
    assert expected in message
    assert str(path) in message
    assert message.endswith(".")
    assert "\n" not in message


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Picture.open(tmp_path / "nothing.png")
    with pytest.raises(InputError, match="folder"):
        Picture.open(tmp_path)


@pytest.mark.parametrize(
    "array",
    [
        np.full((32, 32, 3), np.nan, np.float32),
        np.full((32, 32, 3), 2.0, np.float32),
        np.zeros((32, 32, 2), np.uint8),
        np.zeros((32,), np.uint8),
        np.zeros((32, 32), np.int64),
    ],
)
def test_bad_arrays_are_refused(array: npt.NDArray[np.generic]) -> None:
    with pytest.raises(InputError):
        Picture.from_array(array)


def test_resizing_and_padding() -> None:
    picture = Picture.from_array(waves(50, 37))
    assert picture.resized((100, 74)).size == (100, 74)
    assert picture.resized((50, 37)) is picture
    padded = picture.padded(8)
    assert padded.shape == (3, 40, 56)
    assert torch.equal(padded[:, :37, :50], picture.pixels)
    assert torch.equal(padded[:, 36, :50], padded[:, 39, :50])

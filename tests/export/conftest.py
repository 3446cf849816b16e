"""A student that was trained for three steps, and its ONNX file; making either takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diffstyle.assets.students import STUDENTS_VARIABLE, student_file
from diffstyle.formats.atomic import CACHE_VARIABLE
from tests.helpers.cli import run
from tests.helpers.pictures import waves

STYLES = ("halftone", "one-bit")


@pytest.fixture(scope="package")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two photos."""
    folder = tmp_path_factory.mktemp("photos")
    for n in range(2):
        pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] = waves(112, 96 + 16 * n, seed=n)
        Image.fromarray(pixels).save(folder / f"{n}.png")
    return folder


@pytest.fixture(scope="package")
def student(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of a student called fast, which `diffstyle distil` trained on STYLES."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(STUDENTS_VARIABLE, str(folder / "students"))
        patch.setenv(CACHE_VARIABLE, str(folder / "cache"))
        taught = [word for style in STYLES for word in ("--style", style)]
        small = ("--size", "tiny", "--steps", 3, "--examples", 2, "--crop", 64, "--batch", 1)
        assert run("distil", *taught, "--name", "fast", *small, "--photos", photos) == 0
        yield student_file("fast")


@pytest.fixture(scope="package")
def exported(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The student as an ONNX file."""
    del student
    out = tmp_path_factory.mktemp("exports") / "fast.onnx"
    assert run("export", "fast", "--format", "onnx", "-o", out) == 0
    return out

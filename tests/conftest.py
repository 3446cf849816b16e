"""Pictures and engines that the tests share. No test reads anything outside the repository and its packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from diffstyle import Picture, Style, Stylizer
from diffstyle.assets.zoo import ADAPTERS_VARIABLE

ROOT = Path(__file__).parent.parent


def waves(width: int, height: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """A colourful picture of sine waves, (height, width, 3) uint8: smooth, unlike in every channel, never flat."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    channels: list[npt.NDArray[np.float64]] = []
    for _ in range(3):
        angle, frequency = rng.uniform(0, np.pi), rng.uniform(4, 40)
        wave = np.sin(frequency * (x * np.cos(angle) + y * np.sin(angle)) + rng.uniform(0, 6))
        channels.append(0.5 + 0.3 * wave + 0.2 * (x + y - 1))
    return (np.stack(channels, -1).clip(0, 1) * 255).astype(np.uint8)


@pytest.fixture(scope="session", autouse=True)
def own_adapters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A zoo that is empty, whatever the user who runs the tests has trained."""
    folder = tmp_path_factory.mktemp("adapters")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ADAPTERS_VARIABLE, str(folder))
        yield folder


@pytest.fixture(scope="session")
def stylizer() -> Stylizer:
    return Stylizer.load("starter", device="cpu")


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny random models: `wordless`, `worded` and `xl` backbones, `NAME.adapter.safetensors` for each."""
    from tests import tiny

    folder = tmp_path_factory.mktemp("models")
    for make in (tiny.wordless, tiny.worded, tiny.xl):
        made = make(folder / make.__name__)
        tiny.adapter(folder / f"{make.__name__}.adapter.safetensors", made)
    return folder


@pytest.fixture(scope="session")
def diffuser(tiny_models: Path) -> Stylizer:
    """Both engines: diffusion on a tiny random backbone with adapter and ControlNet."""
    return Stylizer.load(
        tiny_models / "wordless", adapter=[tiny_models / "wordless.adapter.safetensors"], device="cpu", dtype="float32"
    )


@pytest.fixture(scope="session")
def photo() -> Picture:
    from skimage import data

    cat = cast("npt.NDArray[np.uint8]", data.cat())
    return Picture.from_array(cat).resized((232, 152))


@pytest.fixture(scope="session")
def painting() -> Style:
    return Style.from_image(waves(160, 120, seed=1))


@pytest.fixture
def photo_file(photo: Picture, tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    photo.to_pil().save(path)
    return path


@pytest.fixture
def painting_file(tmp_path: Path) -> Path:
    path = tmp_path / "painting.jpg"
    Image.fromarray(waves(160, 120, seed=1)).save(path, quality=95)
    return path

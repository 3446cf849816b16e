"""Pictures and engines that the tests share. No test reads anything outside the repository and its packages."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from diffstyle import Picture, Style, Stylizer
from diffstyle.assets.students import STUDENTS_VARIABLE
from diffstyle.assets.zoo import ADAPTERS_VARIABLE
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.registry import engine_names, settings_class
from tests.helpers.pictures import grainy, waves, with_alpha
from tests.helpers.quick import quick

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["ROOT", "waves"]

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def own_threads() -> Iterator[None]:
    """torch's threads are those that the run was given: one test that leaves more slows down all after it."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def own_adapters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A zoo that is empty, and no students, whatever the user who runs the tests has trained."""
    folder = tmp_path_factory.mktemp("adapters")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ADAPTERS_VARIABLE, str(folder))
        patch.setenv(STUDENTS_VARIABLE, str(tmp_path_factory.mktemp("students")))
        yield folder


@pytest.fixture(scope="session")
def browser() -> Generator[Browser, None, None]:
    """One Chromium for all tests of a process: Playwright's sync API starts only once in a thread."""
    from playwright.sync_api import expect, sync_playwright

    from tests.helpers.browser import chromium

    path = chromium()
    expect.set_options(timeout=120_000)
    with sync_playwright() as playwright:
        camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *camera])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def stylizer() -> Stylizer:
    """The starter, with every engine."""
    return Stylizer.load("starter", device="cpu")


@pytest.fixture(scope="session", params=engine_names())
def engine(request: pytest.FixtureRequest) -> EngineSettings:
    """The settings of every engine of the registry, one after another: its defaults, with few iterations."""
    return quick(settings_class(request.param)())


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny random models: `wordless`, `worded` and `xl` backbones, `NAME.adapter.safetensors` for each."""
    from tests.helpers import tiny

    folder = tmp_path_factory.mktemp("models")
    for make in (tiny.wordless, tiny.worded, tiny.xl):
        made = make(folder / make.__name__)
        tiny.adapter(folder / f"{make.__name__}.adapter.safetensors", made)
    return folder


@pytest.fixture(scope="session")
def diffuser(tiny_models: Path) -> Stylizer:
    """Diffusion on a tiny random backbone with adapter and ControlNet, and no text encoder."""
    from tests.helpers.models import load_tiny

    return load_tiny(tiny_models, "wordless")


@pytest.fixture(scope="session")
def worded(tiny_models: Path) -> Stylizer:
    """Diffusion on a tiny random backbone with adapter and text encoder, and no ControlNet."""
    from tests.helpers.models import load_tiny

    return load_tiny(tiny_models, "worded")


@pytest.fixture(scope="session")
def photo() -> Picture:
    """A cat, 232 x 152 pixels."""
    from skimage import data

    cat = cast("npt.NDArray[np.uint8]", data.cat())
    return Picture.from_array(cat).resized((232, 152))


@pytest.fixture(scope="session")
def small_photo(photo: Picture) -> Picture:
    """The same cat, 116 x 76 pixels."""
    return photo.resized((116, 76))


@pytest.fixture(scope="session")
def cut_out() -> Picture:
    """Saturated colours with grain and an alpha channel, of sides that are no multiple of anything."""
    return with_alpha(grainy(109, 77, grain=30))


@pytest.fixture(scope="session")
def painting() -> Style:
    return Style.from_image(waves(160, 120, seed=1))


@pytest.fixture(scope="session")
def other_painting() -> Style:
    """A style unlike `painting`: darker, in other colours."""
    return Style.from_image(255 - waves(128, 128, seed=9) // 2)


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

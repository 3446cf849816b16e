"""The page of examples/web in a browser: it paints as ONNX Runtime does elsewhere, from photos and a camera, and
without a network once it is loaded.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from diffstyle import Picture
from diffstyle.runtimes.sessions import OnnxSession
from tests.conftest import ROOT
from tests.helpers.browser import SHOTS, SIZES
from tests.helpers.cli import run
from tests.helpers.students import STYLES, random_student

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.long
Array = npt.NDArray[np.uint8]
_PIXELS = "canvas => Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data)"


class Quiet(SimpleHTTPRequestHandler):
    """A static host that sends no headers of its own."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("student")
    out = folder / "fast.onnx"
    assert run("export", random_student(folder / "fast.safetensors"), "-o", out) == 0
    return out


@pytest.fixture(scope="module")
def site(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, built by its command."""
    if shutil.which("npm") is None:
        pytest.skip("There is no npm.")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, ROOT / "examples/web/build.py", student, "--out", folder]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture
def server(site: Path) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(browser: Browser, server: ThreadingHTTPServer) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, permissions=["camera"])
    page = context.new_page()
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.goto(f"http://localhost:{server.server_address[1]}/")
    page.wait_for_function("document.getElementById('status').textContent.startsWith('Ready')")
    yield page
    context.close()
    assert not failed


def shown(page: Page) -> Array:
    """(h, w, 3): the painting as it is on the canvas."""
    canvas = page.locator("#picture")
    width, height = (int(canvas.get_attribute(name) or 0) for name in ("width", "height"))
    flat: list[int] = canvas.evaluate(_PIXELS)
    return np.array(flat, np.uint8).reshape(height, width, 4)[..., :3]


def frames(page: Page) -> int:
    return int(page.locator("#picture").get_attribute("data-frames") or 0)


def wait_for_frame(page: Page, number: int) -> None:
    page.wait_for_function(f"Number(document.getElementById('picture').dataset.frames) >= {number}")


def add_photo(page: Page, photo: Picture) -> None:
    data = BytesIO()
    photo.to_pil().save(data, "PNG")
    before = frames(page)
    page.locator("#photo").set_input_files({"name": "cat.png", "mimeType": "image/png", "buffer": data.getvalue()})
    wait_for_frame(page, before + 1)


def slide(page: Page, label: str, value: int) -> None:
    before = frames(page)
    page.get_by_label(label, exact=False).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input', {bubbles: true})) }", value
    )
    wait_for_frame(page, before + 1)


def expected(student: Path, photo: Picture, weights: list[float], strength: float) -> Array:
    session = OnnxSession(student.read_bytes(), device=torch.device("cpu"))
    inputs = {"weights": torch.tensor([weights]).float(), "strength": torch.tensor([[strength]]).float()}
    seen = Picture.from_array(np.asarray(photo.to_pil()))  # 8 bits, as the page gets it
    found = session.run({"photo": seen.pixels[None], **inputs})["painting"][0]
    return (found.permute(1, 2, 0).numpy() * 255).round().clip(0, 255).astype(np.uint8)


def test_a_photo_is_painted_as_elsewhere(page: Page, student: Path, small_photo: Picture) -> None:
    assert page.evaluate("crossOriginIsolated")
    assert "WebAssembly" in (page.locator("#status").text_content() or "")
    assert page.locator("#styles input").count() == len(STYLES)
    add_photo(page, small_photo)
    found = shown(page).astype(int)
    assert np.abs(found - expected(student, small_photo, [1, 0, 0], 1)).max() <= 2
    slide(page, STYLES[0], 50)
    slide(page, STYLES[1], 50)
    slide(page, "Strength", 60)
    assert json.loads(page.locator("#picture").get_attribute("data-asked") or "")["weights"] == [0.5, 0.5, 0]
    assert np.abs(shown(page).astype(int) - expected(student, small_photo, [0.5, 0.5, 0], 0.6)).max() <= 2
    slide(page, "Strength", 0)
    photo = (small_photo.pixels.permute(1, 2, 0).numpy() * 255).round()
    assert np.abs(shown(page) - photo).max() <= 1


def test_the_camera_is_painted_frame_after_frame(page: Page) -> None:
    page.get_by_label("Longest side").select_option("256")
    page.get_by_role("button", name="Camera").click()
    wait_for_frame(page, 3)
    first = shown(page)
    assert max(first.shape[:2]) == 256
    assert first.std() > 5
    wait_for_frame(page, frames(page) + 8)
    page.wait_for_function("/[0-9.]+ frames\\/s, [0-9]+ ms/.test(document.getElementById('figures').textContent)")
    assert (shown(page) != first).any()
    page.get_by_role("button", name="Camera").click()
    painted = frames(page)
    page.wait_for_timeout(500)
    assert frames(page) <= painted + 1


def test_it_works_without_a_network(page: Page, server: ThreadingHTTPServer, small_photo: Picture) -> None:
    add_photo(page, small_photo)
    server.shutdown()
    server.server_close()
    page.reload()
    page.wait_for_function("document.getElementById('status').textContent.startsWith('Ready')")
    add_photo(page, small_photo)
    assert shown(page).std() > 5


def test_it_fits_a_phone(page: Page, photo: Picture) -> None:
    add_photo(page, photo)
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=SHOTS / f"web-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    with Image.open(SHOTS / "web-390.png") as shot:
        assert shot.width == 390


def test_what_is_no_student_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.onnx"
    wrong.write_bytes(b"no network")
    command = [sys.executable, ROOT / "examples/web/build.py", wrong, "--out", tmp_path / "site"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(str(wrong))
    assert not (tmp_path / "site").exists()

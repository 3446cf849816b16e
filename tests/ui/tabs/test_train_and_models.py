"""The Train tab and the Models tab in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.conftest import waves
from tests.helpers.browser import add_photo, open_tab, pick_style, take_screenshots
from tests.helpers.serving import ServedPage

STEPS = 24  # beyond the first samples, which come after 20


@pytest.mark.long
def test_an_adapter_is_trained_stopped_and_resumed(page: Page, served: ServedPage, tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.png" for n in range(4)]
    for n, path in enumerate(files):
        Image.fromarray(waves(160, 128, seed=n)).save(path)
    open_tab(page, "Train")
    page.locator("#train-pictures input[type=file]").set_input_files(files)
    status, start = page.locator("#train-status"), page.locator("#train")
    start.click()
    expect(page.locator(".toast-body").first).to_contain_text("no name yet")
    page.locator("#train-name :is(input, textarea)").fill("tiny")
    page.locator("#train-steps :is(input, textarea)").fill(str(STEPS))
    start.click()
    expect(page.locator("#train-curve polyline").first).to_be_visible(timeout=240_000)
    page.locator("#train-stop").click()
    expect(status).to_contain_text("Stopped", timeout=240_000)
    assert (served.folder / "adapters" / ".tiny.training.pt").is_file()
    start.click()
    expect(page.locator("#train-sheet img[alt*='at this step']")).to_be_visible(timeout=300_000)
    expect(status).to_contain_text("under Mine", timeout=300_000)
    expect(page.locator("#train-sheet img")).to_be_visible()
    take_screenshots(page, "train")
    open_tab(page, "Stylise")
    add_photo(page)
    page.get_by_role("button", name="Mine", exact=True).click()
    pick_style(page, "adapter:tiny")
    expect(page.locator(".part").filter(has_text="tiny")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Preview in")


def test_models_say_how_to_install_them(page: Page) -> None:
    open_tab(page, "Models")
    expect(page.locator("#models")).to_contain_text("starter")
    expect(page.locator("#models")).to_contain_text("diffstyle models pull sdxl")
    take_screenshots(page, "models")

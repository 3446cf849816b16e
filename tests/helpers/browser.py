"""What a visitor of the page does, as steps of a browser test."""

from __future__ import annotations

import os
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from diffstyle.core.fields import fields_of
from diffstyle.engines.registry import engine_names, settings_class
from tests.conftest import ROOT

CAT = ROOT / "examples" / "cat.jpg"
SHOTS = ROOT / "runs" / "ui"  # ignored by git: screenshots to look at
SIZES = ((390, 844), (1280, 900))  # a phone and a desktop
MAX_PICTURE_BYTES = 300_000


def chromium() -> str:
    """The path of a Chromium. Without one the test is skipped, or fails if DIFFSTYLE_BROWSER is "required"."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and os.environ.get("DIFFSTYLE_BROWSER") == "required":
        pytest.fail("There is no Chromium: apt-get install chromium.")
    if found is None:
        pytest.skip("There is no Chromium: apt-get install chromium.")
    return found


def stepwise_engine() -> str:
    """The name of an engine with seeds and steps, which can be watched and cancelled."""
    own = {n: {info.name for info in fields_of(settings_class(n))} for n in engine_names()}
    return next(n for n in engine_names() if settings_class(n).capabilities.seeded and "steps" in own[n])


def take_screenshots(page: Page, name: str) -> None:
    """Save the page as on a phone and on a desktop; nothing may be wider than the screen."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=SHOTS / f"{name}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than {width} pixels"


def take_documentation_picture(page: Page) -> None:
    """Write docs/images/ui.png."""
    page.evaluate("window.scrollTo(0, 0)")
    page.wait_for_timeout(10_000)  # until the tiles in view are painted
    path = ROOT / "docs" / "images" / "ui.png"
    with Image.open(BytesIO(page.screenshot())) as image:
        image.convert("RGB").quantize(256).save(path, optimize=True)
    assert path.stat().st_size <= MAX_PICTURE_BYTES


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def add_photo(page: Page, path: Path = CAT) -> None:
    page.locator("#photo input[type=file]").set_input_files(path)
    expect(page.locator("#own-photo")).to_contain_text(path.name)
    expect(page.locator("#status")).to_contain_text("Preview in")


def say(page: Page, words: str) -> None:
    """Describe a style, in place of the mix."""
    page.locator("#words input").fill(words)
    page.keyboard.press("Enter")
    expect(page.locator(".part").filter(has_text=words)).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Preview in")


def pick_style(page: Page, name: str) -> None:
    """Choose a tile of the wall, in place of the mix."""
    button = page.locator(f'button.pick[data-name="{name}"]')
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


def add_style(page: Page, name: str) -> None:
    """Add a tile of the wall to the mix, by its key "+"."""
    button = page.locator(f'button.pick[data-name="{name}"]')
    button.press("+")
    expect(button).to_have_attribute("aria-pressed", "true")


def choose(page: Page, elem_id: str, option: str) -> None:
    """Choose an option of a dropdown."""
    page.locator(f"#{elem_id} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def open_advanced(page: Page) -> None:
    """Show all settings."""
    if not page.locator("#setting-engine").is_visible():
        page.locator("#advanced button").first.click()
    expect(page.locator("#setting-engine")).to_be_visible()


def choose_engine(page: Page, name: str, **settings: object) -> None:
    """Choose an engine and fill in some of its own settings."""
    open_advanced(page)
    choose(page, "setting-engine", settings_class(name).title)
    group = page.locator(f"#engine-{name}")
    expect(group).to_be_visible()
    group.locator("button").first.click()
    for setting, value in settings.items():
        fill(page, f"setting-{name}-{setting}", str(value))


def fill(page: Page, elem_id: str, value: str) -> None:
    """Fill a text box. Gradio resets one that has just become visible, so the value is checked and entered again."""
    if elem_id.startswith("setting-"):
        open_advanced(page)
    box = page.locator(f"#{elem_id} :is(input, textarea)")
    for _ in range(10):
        box.fill(value)
        page.wait_for_timeout(400)
        if box.input_value() == value:
            return
    raise AssertionError(f"{elem_id} does not take {value}")


def press(page: Page, elem_id: str, key: str, times: int) -> None:
    """Press a key on a slider."""
    page.locator(f"#{elem_id} input[type=range]").focus()
    for _ in range(times):
        page.keyboard.press(key)


def shown_picture(page: Page) -> str:
    """The source of the picture on the right of the divider."""
    return page.locator("#compare img.after").get_attribute("src") or ""


def expect_change(page: Page, before: str) -> None:
    expect(page.locator("#compare img.after")).not_to_have_attribute("src", before)


def download_shown(page: Page, folder: Path) -> Path:
    """Download what the frame of the first tab shows."""
    return download(page, "#compare .download", folder)


def download(page: Page, selector: str, folder: Path, *, n: int = 0) -> Path:
    """Click the `n`th match of `selector` and save what is downloaded."""
    with page.expect_download() as event:
        page.locator(selector).nth(n).click()
    path = folder / event.value.suggested_filename
    event.value.save_as(path)
    return path

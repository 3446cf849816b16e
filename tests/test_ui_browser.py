"""The page as people use it: a real browser, the real server, the starter."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from diffstyle import Picture, read_recipe
from tests.conftest import ROOT
from tests.serving import Served, serving

SHOTS = ROOT / "runs" / "ui"  # git ignores it: pictures for people to look at
CAT = ROOT / "examples" / "cat.jpg"
WORDS = "ukiyo-e woodblock print, indigo and cream"
expect.set_options(timeout=20_000)


def chromium() -> str:
    """Where Debian's or another Chromium is; without one the tests are skipped, or fail where they are required."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and os.environ.get("DIFFSTYLE_BROWSER") == "required":
        pytest.fail("There is no Chromium: apt-get install chromium.")
    if found is None:
        pytest.skip("There is no Chromium: apt-get install chromium.")
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("ui")) as page:
        yield page


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(served: Served, browser: Browser) -> Iterator[Page]:
    """A fresh page, which must not talk to anyone but its server, nor log an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    strangers: list[str] = []
    known = (served.address, "data:", "blob:")
    page.on("request", lambda r: strangers.append(r.url) if not r.url.startswith(known) else None)
    page.on("pageerror", lambda error: strangers.append(str(error)))
    page.goto(served.address)
    expect(page.locator("#words")).to_be_visible()
    yield page
    assert not strangers
    context.close()


def shoot(page: Page, name: str) -> None:
    """Keep the page as it looks on a desk and on a phone."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width, height in ((390, 844), (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=SHOTS / f"{name}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than {width} pixels"


def with_photo(page: Page) -> None:
    page.locator("#photo input[type=file]").set_input_files(CAT)
    expect(page.locator("#compare img.after")).to_be_visible()


def say(page: Page, words: str) -> None:
    page.locator("#words :is(input, textarea)").fill(words)
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("Preview in")


def after(page: Page) -> str:
    return page.locator("#compare img.after").get_attribute("src") or ""


def changed(page: Page, before: str) -> None:
    expect(page.locator("#compare img.after")).not_to_have_attribute("src", before)


def slide(page: Page, name: str, key: str, times: int) -> None:
    page.locator(f"#{name} input[type=range]").focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_a_photo_a_style_and_a_render(page: Page, tmp_path: Path) -> None:
    shoot(page, "empty")
    with_photo(page)
    say(page, WORDS)
    before = after(page)
    page.locator("button[data-name=klimt-gold]").click()
    expect(page.locator("button[data-name=klimt-gold]")).to_have_attribute("aria-pressed", "true")
    changed(page, before)
    before = after(page)
    slide(page, "setting-strength", "ArrowLeft", 20)
    changed(page, before)
    slide(page, "weight-1", "ArrowLeft", 50)
    page.locator("#render").click()
    expect(page.locator("#status")).to_contain_text("Rendered in")
    shoot(page, "stylise")
    with page.expect_download() as download:
        page.locator("#download").click()
    download.value.save_as(tmp_path / "out.png")
    recipe = read_recipe(tmp_path / "out.png")
    assert recipe.settings.strength == pytest.approx(0.8)
    assert recipe.settings.engine == "diffusion"
    assert Picture.open(tmp_path / "out.png").size == Picture.open(CAT).size
    weights = {r.prompt: r.weight for r in recipe.style.references}
    assert weights[WORDS] == pytest.approx(1 / 1.5)


def test_cancel_works_within_a_step(page: Page) -> None:
    with_photo(page)
    say(page, "charcoal drawing")
    page.locator("#advanced button").first.click()
    page.locator("#setting-steps :is(input, textarea)").fill("150")
    page.locator("#render").click()
    expect(page.locator("#status progress")).to_have_attribute("max", "150")
    page.locator("#cancel").click()
    expect(page.locator("#status")).to_contain_text("Cancelled")
    expect(page.locator("#render")).to_be_enabled()
    expect(page.locator("#cancel")).to_be_disabled()
    expect(page.locator("#download")).to_be_disabled()


def test_errors_are_sentences_in_the_page(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_bytes(b"this is no picture at all\n" * 10)
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "notes.jpg")
    toast = page.locator(".toast-body, .toast-wrap").first
    expect(toast).to_contain_text("notes.jpg")
    assert "/" not in toast.inner_text().replace("notes.jpg", "")

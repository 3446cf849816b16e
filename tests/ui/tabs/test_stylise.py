"""The Stylise tab in a browser."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from diffstyle import Picture, read_recipe
from diffstyle.engines.registry import interactive_engine, settings_class
from tests.helpers.browser import (
    CAT,
    SHOTS,
    add_photo,
    say,
    choose,
    choose_engine,
    download,
    expect_change,
    press,
    shown_picture,
    stepwise_engine,
    take_documentation_picture,
    take_screenshots,
    add_style,
)
from tests.helpers.serving import ServedPage

WORDS = "ukiyo-e woodblock print, indigo and cream"


def test_a_photo_a_mix_and_a_render(page: Page, tmp_path: Path) -> None:
    take_screenshots(page, "empty")
    add_photo(page)
    say(page, WORDS)
    before = shown_picture(page)
    add_style(page, "klimt-gold")
    expect_change(page, before)
    before = shown_picture(page)
    press(page, "setting-strength", "ArrowLeft", 20)
    expect_change(page, before)
    press(page, "weight-1", "ArrowLeft", 50)
    if os.environ.get("DIFFSTYLE_SCREENSHOT"):
        take_documentation_picture(page)
    expect(page.locator("#status")).to_contain_text("a draft of the render")
    page.locator("#render").click()
    expect(page.locator("#status")).to_contain_text("Rendered in")
    take_screenshots(page, "stylise")
    out = download(page, "#download", tmp_path)
    recipe = read_recipe(out)
    assert recipe.settings.strength == pytest.approx(0.8)
    assert Picture.open(out).size == Picture.open(CAT).size
    weights = {r.prompt: r.weight for r in recipe.style.references}
    assert weights[WORDS] == pytest.approx(1 / 1.5)


def test_an_engine_shows_its_settings_and_can_be_cancelled(page: Page) -> None:
    engine = stepwise_engine()
    add_photo(page)
    say(page, "charcoal drawing")
    choose(page, "setting-engine", settings_class(interactive_engine()).title)
    for elem_id in (f"engine-{engine}", "setting-seed", "setting-structure", "vary"):
        expect(page.locator(f"#{elem_id}")).to_be_hidden()
    choose_engine(page, engine, denoise=0.6, steps=150)
    for elem_id in ("setting-seed", "setting-structure", "vary"):
        expect(page.locator(f"#{elem_id}")).to_be_visible()
    take_screenshots(page, "engine")
    page.locator("#render").click()
    expect(page.locator("#status progress")).to_have_attribute("max", re.compile("[0-9]{2}"))
    page.locator("#cancel").click()
    expect(page.locator("#status")).to_contain_text("Cancelled")
    expect(page.locator("#render")).to_be_enabled()
    expect(page.locator("#cancel")).to_be_disabled()
    expect(page.locator("#download")).to_be_disabled()


def test_errors_are_sentences_without_paths(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_bytes(b"this is no picture at all\n" * 10)
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "notes.jpg")
    toast = page.locator(".toast-body, .toast-wrap").first
    expect(toast).to_contain_text("notes.jpg")
    assert "/" not in toast.inner_text().replace("notes.jpg", "")


def test_every_control_has_a_name(page: Page) -> None:
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button, input, textarea, [tabindex="0"]')]
        .filter((e) => e.offsetParent && e.type !== 'file' && e.getAttribute('aria-hidden') !== 'true')
        .filter((e) => !(e.innerText?.trim() || e.getAttribute('aria-label') || e.title || e.labels?.length))
        .map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert unnamed == []


def test_dark_mode_is_dark(browser: Browser, served: ServedPage) -> None:
    page = browser.new_page(color_scheme="dark", viewport={"width": 1280, "height": 900})
    page.goto(served.address)
    expect(page.locator("#words")).to_be_visible()
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")[:3]
    assert max(red, green, blue) < 60
    add_photo(page)
    say(page, WORDS)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "dark-1280.png", full_page=True)
    page.close()

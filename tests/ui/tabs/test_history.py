"""The History tab in a browser."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from diffstyle import read_recipe
from tests.helpers.browser import (
    CAT,
    add_photo,
    add_style,
    choose_engine,
    chromium,
    download,
    download_shown,
    expect_change,
    fill,
    open_advanced,
    open_tab,
    press,
    say,
    shown_picture,
    stepwise_engine,
    take_screenshots,
)
from tests.helpers.serving import ServedPage


@pytest.mark.long
def test_a_saved_picture_restores_style_and_settings(
    page: Page, browser: Browser, served: ServedPage, tmp_path: Path
) -> None:
    engine = stepwise_engine()
    add_photo(page)
    say(page, "charcoal drawing")
    press(page, "setting-strength", "ArrowLeft", 25)
    fill(page, "setting-size", "128")
    choose_engine(page, engine, steps=3)
    fill(page, "setting-seed", "77")
    add_style(page, "neon")
    page.locator("#render").click()
    expect(page.locator("#status")).to_contain_text("seed 77")
    page.locator("#vary").click()
    expect(page.locator("#status")).to_contain_text("Four variations")
    expect(page.locator(".variations button")).to_have_count(4)
    labels = page.locator(".variations small").all_inner_texts()
    assert labels[0] == "As set"
    assert len(set(labels)) == 4
    out = download_shown(page, tmp_path)
    page.locator(".variations button").first.click()
    large = page.locator("#variations dialog")
    expect(large.locator("img")).to_have_attribute("alt", "As set")
    page.keyboard.press("ArrowRight")
    expect(large.locator("img")).to_have_attribute("alt", labels[1])
    take_screenshots(page, "variation")
    before = shown_picture(page)
    large.locator(".choose").click()
    expect(large).to_be_hidden()
    expect_change(page, before)
    expect(page.locator("#compare .badge")).to_have_text("Final")
    expect(page.locator("#setting-seed input")).to_have_value("78")
    expect(page.locator("#setting-stroke input")).to_have_value("0.7")
    open_tab(page, "History")
    expect(page.locator(".kept button")).to_have_count(5)

    other = browser.new_page()  # another visitor sees nothing of it, and restores everything from the file
    other.goto(served.address)
    open_tab(other, "History")
    expect(other.locator("#history")).to_contain_text("Nothing here yet")
    other.locator("#restore input[type=file]").set_input_files(out)
    expect(other.locator("#setting-strength input[type=number]")).to_have_value("0.75")
    open_advanced(other)
    expect(other.locator("#setting-seed input")).to_have_value("77")
    expect(other.locator("#setting-size :is(input, textarea)")).to_have_value("128")
    expect(other.locator(f"#engine-{engine}")).to_be_visible()
    expect(other.locator(".part").filter(has_text="charcoal drawing")).to_be_visible()
    expect(other.locator("button[data-name=neon]")).to_have_attribute("aria-pressed", "true")
    other.close()


@pytest.mark.long
def test_results_survive_a_reload_for_their_visitor_alone(
    page: Page, browser: Browser, served: ServedPage, tmp_path: Path
) -> None:
    add_photo(page)
    say(page, "mosaic")
    photo = str(page.locator("#compare img.before").get_attribute("src"))
    fill(page, "setting-size", "96")
    for n in range(2):
        page.locator("#render").click()
        expect(page.locator("#status")).to_contain_text("Rendered in")
        if n == 0:
            press(page, "setting-strength", "ArrowLeft", 20)
            expect(page.locator("#status")).to_contain_text("Preview in")
    for _ in range(2):
        page.reload()
        open_tab(page, "History")
        expect(page.locator(".kept button")).to_have_count(2)
    page.locator(".kept button").first.click()
    expect(page.locator("#history-status")).to_contain_text("2. Mosaic")
    expect(page.locator(".kept time").first).to_have_text(re.compile(r"\d+:\d\d"))
    expect(page.locator("#history-frame img.before")).to_have_attribute("src", photo)
    take_screenshots(page, "history")
    assert read_recipe(download(page, "#history-download", tmp_path)).settings.size == 96
    page.locator("#use-result").click()
    expect(page.locator("#setting-strength input[type=number]")).to_have_value("0.8")
    expect(page.locator(".part").filter(has_text="mosaic")).to_be_visible()
    expect(page.locator("#own-photo")).to_contain_text(CAT.name)  # the photo is kept, too
    expect(page.locator("#compare img.before")).to_have_attribute("src", photo)
    key = page.evaluate("localStorage.getItem('diffstyle-history')")
    thief = browser.new_page()  # with the key, but another cookie
    thief.goto(served.address)
    thief.wait_for_function("localStorage.getItem('diffstyle-history')")
    thief.evaluate("(key) => localStorage.setItem('diffstyle-history', key)", key)
    thief.reload()
    thief.wait_for_function("(key) => localStorage.getItem('diffstyle-history') !== key", arg=key)
    open_tab(thief, "History")
    expect(thief.locator("#history")).to_contain_text("Nothing here yet")
    thief.close()
    second = page.context.new_page()
    second.goto(page.url)
    open_tab(second, "History")
    expect(second.locator(".kept button")).to_have_count(2)
    page.close()
    second.reload()
    open_tab(second, "History")
    expect(second.locator(".kept button")).to_have_count(2)


@pytest.mark.long
def test_the_last_picture_is_there_after_the_browser_was_closed(
    browser: Browser, served: ServedPage, tmp_path: Path
) -> None:
    def opened() -> BrowserContext:
        return browser.browser_type.launch_persistent_context(
            tmp_path, executable_path=chromium(), args=["--no-sandbox"], viewport={"width": 1280, "height": 900}
        )

    with opened() as first:
        page = first.new_page()
        page.goto(served.address)
        add_photo(page)
        say(page, "halftone")
        fill(page, "setting-size", "96")
        page.locator("#render").click()
        expect(page.locator("#status")).to_contain_text("Rendered in")
        link = page.locator("#compare [data-tool=link]").get_attribute("data-query")
    with opened() as again:
        page = again.new_page()
        page.goto(served.address)
        expect(page.locator("#status")).to_contain_text("Your last picture: Halftone")
        expect(page.locator("#compare .badge")).to_have_text("Final")
        expect(page.locator("#own-photo")).to_contain_text(CAT.name)
        expect(page.locator(".versions button")).to_have_count(1)
        linked = again.new_page()  # a link is stronger
        linked.goto(f"{served.address}{link}&strength=0.5")
        expect(linked.locator("#setting-strength input[type=number]")).to_have_value("0.5")
        expect(linked.locator("#status")).to_contain_text("Preview in")
        expect(linked.locator("#compare .badge")).to_have_text("Preview")


def shown_widths(page: Page) -> list[float]:
    """How much wider than its own shape each of the two compared pictures is shown."""
    return page.evaluate(
        """[...document.querySelectorAll('#pair img')].map((i) => {
        const box = i.getBoundingClientRect();
        return (box.width / box.height) / (i.naturalWidth / i.naturalHeight);
        })"""
    )


@pytest.mark.long
def test_two_shapes_are_compared_without_distortion(page: Page, tmp_path: Path) -> None:
    with Image.open(CAT) as cat:
        cat.crop((100, 0, 250, 300)).save(tmp_path / "tall.jpg")
    for photo in (CAT, tmp_path / "tall.jpg"):
        page.reload()
        add_photo(page, photo)
        say(page, "halftone")
        page.locator("#render").click()
        expect(page.locator("#status")).to_contain_text("Rendered in")
    open_tab(page, "History")
    page.locator("#compare-two button").first.click()
    for side, n in (("left", 0), ("right", 1)):
        page.locator(f"#{side} input").click()
        page.get_by_role("option").nth(n).click()
    expect(page.locator("#pair img")).to_have_count(2)
    expect(page.locator("#pair input[type=range]")).to_have_count(0)
    assert shown_widths(page) == pytest.approx([1, 1], abs=0.02)
    take_screenshots(page, "compare")
    assert shown_widths(page) == pytest.approx([1, 1], abs=0.02)
    first = page.locator("#pair .first img")
    expect(first).to_have_attribute("alt", re.compile(r"^1\."))
    page.locator("#pair [data-do=swap]").click()
    expect(first).to_have_attribute("alt", re.compile(r"^2\."))
    page.keyboard.press("s")
    expect(first).to_have_attribute("alt", re.compile(r"^1\."))
    page.keyboard.press("f")
    expect(page.locator("#pair dialog img")).to_have_count(2)
    expect(page.locator("#pair dialog")).to_be_visible()
    assert shown_widths(page) == pytest.approx([1, 1], abs=0.02)
    page.keyboard.press("s")
    expect(first).to_have_attribute("alt", re.compile(r"^2\."))
    page.keyboard.press("f")
    expect(page.locator("#pair dialog")).to_be_hidden()
    expect(page.locator("#pair > * .pictures img")).to_have_count(2)


@pytest.mark.long
def test_two_results_are_compared_and_voted_on(page: Page, served: ServedPage) -> None:
    add_photo(page)
    say(page, "mosaic")
    for n in range(2):
        page.locator("#render").click()
        expect(page.locator("#status")).to_contain_text("Rendered in")
        press(page, "setting-strength", "ArrowLeft", 20 + n)
        expect(page.locator("#status")).to_contain_text("Preview in")
    open_tab(page, "History")
    page.locator(".kept button").first.click()
    expect(page.locator("#history-status")).to_contain_text("Mosaic")
    page.locator("#compare-two button").first.click()
    for side, n in (("left", 0), ("right", 1)):
        page.locator(f"#{side} input").click()
        page.get_by_role("option").nth(n).click()
    expect(page.locator("#pair .duel.over .second img")).to_be_visible()
    page.locator("#pair [data-do=over]").click()
    expect(page.locator("#pair .duel.over")).to_have_count(0)
    page.locator("#vote button").first.click()
    page.locator("#draw").click()
    expect(page.locator("#blind img")).to_have_count(2)
    take_screenshots(page, "history")
    page.locator("#vote-b").click()
    expect(page.locator("#voted")).to_contain_text("Your vote is saved")
    *_, vote = csv.DictReader((served.folder / "votes.csv").read_text().splitlines())
    assert vote["choice"] == "b"
    assert vote["a_sha256"] != vote["b_sha256"]
    assert len(vote["b_sha256"]) == 64

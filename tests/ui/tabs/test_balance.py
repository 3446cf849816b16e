"""*Find a balance* in a browser: picks lead to settings, and to a picture that is painted with them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from diffstyle import read_recipe
from diffstyle.engines.registry import interactive_engine, settings_class
from diffstyle.evaluation.preference_search import CANDIDATES, ROUNDS
from tests.helpers.browser import SHOTS, SIZES, choose, download_shown, open_advanced
from tests.helpers.serving import ServedPage

PHONE = SIZES[0]
NUMBERS = re.compile(r"Strength ([\d.]+), (?:structure [\d.]+, )?strokes ([\d.]+), colours ([\w' ]+)")


def gallery(page: Page) -> Locator:
    return page.locator("#balance-gallery dialog")


def open_gallery(page: Page) -> None:
    page.locator("#balance").click()
    expect(gallery(page)).to_be_visible()
    expect_round(page, 1)


def choose_instant(page: Page) -> None:
    """Let the instant engine paint, which has no structure."""
    open_advanced(page)
    choose(page, "setting-engine", settings_class(interactive_engine()).title)
    expect(page.locator("#setting-structure")).to_be_hidden()


def expect_round(page: Page, number: int) -> None:
    expect(gallery(page).locator(".round")).to_have_text(f"Round {number} of {ROUNDS}")


def expect_painted(page: Page) -> None:
    """All six are there."""
    expect(gallery(page).locator(".note")).to_contain_text("Pick the one you like best")
    expect(gallery(page).locator(".cell[aria-disabled=false] img[src]")).to_have_count(CANDIDATES)


def labels(page: Page) -> list[str]:
    return [image.get_attribute("alt") or "" for image in gallery(page).locator(".cell img").all()]


def expect_settings(page: Page, tmp_path: Path, label: str) -> None:
    """The form and the picture have what the candidate with this label had."""
    found = NUMBERS.fullmatch(label)
    assert found is not None, label
    expect(gallery(page)).to_be_hidden()
    expect(page.locator("#compare .badge")).to_have_text("Final")
    expect(page.locator("#setting-strength input[type=number]")).to_have_value(found[1])
    expect(page.locator("#setting-stroke input")).to_have_value(re.compile(f"^({found[2]}|Medium)$"))
    expect(page.locator("#setting-colour input")).to_have_value(re.compile(found[3], re.IGNORECASE))
    painted = read_recipe(download_shown(page, tmp_path)).settings
    assert (painted.strength, painted.stroke) == (float(found[1]), float(found[2]))
    expect(page.locator("#render")).to_be_enabled()
    expect(page.locator("#balance")).to_be_visible()


@pytest.mark.long
def test_five_picks_beside_somebody_else(page: Page, browser: Browser, served: ServedPage, tmp_path: Path) -> None:
    choose_instant(page)
    open_gallery(page)
    expect_painted(page)
    found = cast("Any", Axe().run(page, context="#balance-gallery")).response["violations"]
    assert not [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found]
    assert "structure" not in labels(page)[0]  # this engine has none
    assert len(set(labels(page))) == CANDIDATES
    page.keyboard.press("4")
    expect_round(page, 2)
    expect_painted(page)
    second = labels(page)
    context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
    other = context.new_page()
    other.goto(served.address)
    choose_instant(other)
    open_gallery(other)
    expect(gallery(other).locator(".cell").first.locator("img[src]")).to_be_visible()
    other.keyboard.press("1")
    expect_round(other, 2)
    context.close()
    expect_round(page, 2)
    assert labels(page) == second
    page.keyboard.press("1")
    expect_round(page, 3)
    page.keyboard.press("Backspace")
    expect_round(page, 2)
    expect_painted(page)
    assert labels(page) == second
    label = ""
    for number, key in ((2, 6), (3, 1), (4, 1), (5, 3)):
        expect_round(page, number)
        expect_painted(page)
        label = labels(page)[key - 1]
        if number == ROUNDS:
            gallery(page).locator(".cell").nth(key - 1).click()
        else:
            page.keyboard.press(str(key))
    expect_settings(page, tmp_path, label)


@pytest.mark.long
def test_on_a_phone_picks_need_not_wait_and_may_be_enough(page: Page, tmp_path: Path) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    open_gallery(page)
    cells, enough = gallery(page).locator(".cell"), page.get_by_role("button", name="Good enough: paint it")
    expect(enough).to_be_disabled()
    for cell in cells.all():
        box = cell.bounding_box()
        assert box is not None
        assert min(box["x"], box["y"]) >= 0
        assert box["x"] + box["width"] <= PHONE[0]
        assert box["y"] + box["height"] <= PHONE[1]
    expect(cells.nth(1).locator("img")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    label = labels(page)[1]
    cells.nth(1).click()  # the other ones are not painted yet
    expect_round(page, 2)
    expect(cells.nth(1)).to_have_attribute("aria-current", "true")
    expect(cells.nth(1)).to_contain_text("Your pick so far")
    expect(cells.nth(0).locator("img")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    assert labels(page)[1] == label
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "balance-390.png")
    label = labels(page)[0]
    cells.nth(0).click()
    expect_round(page, 3)
    expect(cells.nth(0)).to_contain_text("Your pick so far")
    assert labels(page)[0] == label
    enough.click()
    expect_settings(page, tmp_path, label)


@pytest.mark.long
def test_closing_leaves_everything_as_it_was(page: Page) -> None:
    choose_instant(page)
    strength = page.locator("#setting-strength input[type=number]").input_value()
    open_gallery(page)
    expect_painted(page)
    page.keyboard.press("2")
    expect_round(page, 2)
    page.keyboard.press("Escape")
    expect(gallery(page)).to_be_hidden()
    expect(page.locator("#balance")).to_be_enabled()
    expect(page.locator("#setting-strength input[type=number]")).to_have_value(strength)
    expect(page.locator("#compare .badge")).not_to_have_text("Final")
    open_gallery(page)  # a new search, from the first round on
    expect_painted(page)
    page.locator("#balance-gallery [data-do=close]").click()
    page.get_by_role("button", name="Remove Ukiyo-e").click()
    expect(page.locator(".part:visible")).to_have_count(0)
    page.locator("#balance").click()
    expect(page.locator(".toast-body").first).to_contain_text("There is no style yet")
    expect(gallery(page)).to_be_hidden()

"""The Blend tab in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from diffstyle import StyleSpace
from tests.helpers.browser import add_photo, add_style, open_tab, pick_style, press, take_screenshots

GOLD = "Klimt, Portrait of Adele Bloch-Bauer I"


@pytest.mark.long
def test_a_path_a_map_and_four_corners(page: Page) -> None:
    open_tab(page, "Blend")  # without a photo, the example is painted
    status = page.locator("#blend-status")
    expect(page.locator("#blend-frame img.after")).to_be_visible()
    expect(status).to_contain_text(f"Ukiyo-e 50% · {GOLD} 50%")
    expect(page.locator("#strip img")).to_have_count(5)
    expect(page.locator("#end-1 input")).to_have_value(GOLD)
    page.locator("#end-1 input").click()
    options = page.get_by_role("option").all_inner_texts()
    assert "Van Gogh, Irises" in [option.strip("✓ \n") for option in options]
    assert not [option for option in options if "van-gogh" in option]
    page.keyboard.press("Escape")
    step = page.locator("#strip button").nth(3)
    step.click()
    expect(status).to_contain_text(f"{GOLD} 75%")
    expect(page.locator("#position input[type=number]")).to_have_value("0.75")
    expect(step).to_have_attribute("aria-pressed", "true")
    page.locator("#strip button").nth(2).click()
    expect(status).to_contain_text(f"{GOLD} 50%")
    expect(page.locator("#position input[type=number]")).to_have_value("0.5")
    press(page, "position", "ArrowRight", 10)
    expect(status).to_contain_text(f"{GOLD} 60%")
    expect(status).to_contain_text("a draft of the render")
    take_screenshots(page, "blend-path")

    open_tab(page, "Map")
    expect(status).to_contain_text("Ukiyo-e 100%")  # the style of the first tab
    expect(page.locator(".style-map .here")).to_be_visible()
    expect(page.locator(".style-map button.painted")).to_have_count(len(StyleSpace.presets().styles))
    page.locator(".style-map button[aria-label=Neon]").click()
    expect(status).to_contain_text("Neon 100%")
    box = page.locator(".style-map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(status).not_to_contain_text("Neon 100%")
    take_screenshots(page, "blend-map")

    open_tab(page, "Four corners")
    expect(status).to_contain_text("Ukiyo-e 25%")
    page.locator("#pad i").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
    expect(status).to_contain_text("Van Gogh, Irises 100%")
    corner = page.locator("#corner-3 input")
    for words, option in (("neon", "Neon"), ("irises", "Van Gogh, Irises")):
        corner.fill(words)
        page.get_by_role("option", name=option).click()
        expect(status).to_contain_text(f"{option} 100%")
    expect(page.locator("#pad figcaption").last).to_have_text("Van Gogh, Irises")
    for _ in range(6):
        page.locator("#pad i").press("ArrowLeft")
    take_screenshots(page, "blend-corners")
    mixed = "Charcoal 30% · Van Gogh, Irises 70%"
    expect(status).to_contain_text(mixed)
    open_tab(page, "Path")
    expect(status).to_contain_text(f"{GOLD} 60%")
    open_tab(page, "Four corners")
    expect(status).to_contain_text(mixed)
    page.locator("#use-blend").click()
    expect(page.locator(".part").filter(has_text="Van Gogh, Irises")).to_be_visible()


def test_it_opens_with_the_styles_of_the_first_tab(page: Page) -> None:
    pick_style(page, "neon")
    add_style(page, "text:comic")
    open_tab(page, "Blend")
    expect(page.locator("#blend-status")).to_contain_text("Neon 50% · Comic 50%")
    expect(page.locator("#end-0 input")).to_have_value("Neon")
    expect(page.locator("#end-1 input")).to_have_value("comic")
    open_tab(page, "Four corners")
    expect(page.locator("#corner-2 input")).to_have_value("Ukiyo-e")
    expect(page.locator("#blend-status")).to_contain_text("Neon 25% · Comic 25% · Ukiyo-e 25%")


@pytest.mark.long
def test_the_map_and_the_pad_show_the_visitors_photo(page: Page, tmp_path: Path) -> None:
    Image.new("RGB", (120, 160), "white").save(tmp_path / "white.png")
    open_tab(page, "Blend")
    expect(page.locator("#blend-frame img.after")).to_be_visible()
    open_tab(page, "Map")
    neon = page.locator(".style-map button[data-name=neon]")
    expect(page.locator(".style-map button.painted")).to_have_count(count := len(StyleSpace.presets().styles))
    cat = neon.evaluate("(b) => b.style.backgroundImage")
    open_tab(page, "Stylise")
    add_photo(page, tmp_path / "white.png")
    open_tab(page, "Blend")
    page.wait_for_function(
        "(cat) => document.querySelector('.style-map button[data-name=neon]').style.backgroundImage !== cat", arg=cat
    )
    expect(page.locator(".style-map button.painted")).to_have_count(count)
    open_tab(page, "Four corners")
    corner = page.locator("#pad figure img").first
    page.wait_for_function(
        "document.querySelector('#pad figure img').naturalHeight > 250"
    )  # the photo, not a thumbnail
    assert corner.evaluate("(i) => i.naturalWidth < i.naturalHeight")
    expect(page.locator("#blend-status")).to_contain_text("25%")


def test_the_mix_stays_in_view_on_a_phone(page: Page) -> None:
    open_tab(page, "Blend")
    open_tab(page, "Four corners")
    expect(page.locator("#blend-status")).to_contain_text("25%")
    page.set_viewport_size({"width": 390, "height": 700})
    page.locator("#pad").scroll_into_view_if_needed()
    page.mouse.wheel(0, 600)
    page.wait_for_timeout(300)
    pad, shown = page.locator("#pad").bounding_box(), page.locator("#blend-frame img.after").bounding_box()
    assert pad is not None
    assert shown is not None
    assert shown["y"] >= 0
    assert shown["y"] + shown["height"] <= pad["y"]
    assert pad["y"] + pad["height"] <= 700

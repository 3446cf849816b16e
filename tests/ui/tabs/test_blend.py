"""The Blend tab in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.helpers.browser import open_tab, press, take_screenshots


def test_a_path_a_map_and_four_corners(page: Page) -> None:
    open_tab(page, "Blend")  # without a photo, the example is painted
    status = page.locator("#blend-status")
    expect(page.locator("#strip img")).to_have_count(5)
    press(page, "position", "ArrowRight", 10)
    expect(status).to_contain_text("klimt-gold 60%")
    take_screenshots(page, "blend-path")

    open_tab(page, "Map")
    page.locator(".style-map button[aria-label=Neon]").click()
    expect(status).to_contain_text("neon 100%")
    box = page.locator(".style-map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(status).not_to_contain_text("neon 100%")
    take_screenshots(page, "blend-map")

    open_tab(page, "Four corners")
    page.locator("#pad i").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
    expect(status).to_contain_text("van-gogh-irises 100%")
    corner = page.locator("#corner-3 input")
    for words, option in (("Neon", "neon"), ("van-gogh-irises", "van-gogh-irises")):
        corner.fill(words)
        page.get_by_role("option", name=option).click()
        expect(status).to_contain_text(f"{option} 100%")
    expect(page.locator("#pad figcaption").last).to_have_text("Van gogh irises")
    for _ in range(6):
        page.locator("#pad i").press("ArrowLeft")
    take_screenshots(page, "blend-corners")
    page.locator("#use-blend").click()
    expect(page.locator(".part").filter(has_text="Van gogh irises")).to_be_visible()

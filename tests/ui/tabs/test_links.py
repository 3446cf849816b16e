"""Links to the page, opened in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.helpers.browser import open_advanced, take_screenshots
from tests.helpers.serving import ServedPage


def test_a_link_opens_the_page_as_it_says(page: Page, served: ServedPage) -> None:
    query = "style=van-gogh-irises:0.25&style=pale%20watercolour&strength=0.7&seed=5&structure=7&style=%3Cimg%3E:0,5"
    page.goto(f"{served.address}?{query}")
    expect(page.locator(".part").filter(has_text="Van Gogh, Irises")).to_be_visible()
    expect(page.locator(".part").filter(has_text="pale watercolour")).to_be_visible()
    expect(page.locator("#weight-0 input[type=number]")).to_have_value("0.25")
    expect(page.locator("#setting-strength input[type=number]")).to_have_value("0.7")
    expect(page.locator("#setting-structure input[type=number]")).to_have_value("0.5")
    open_advanced(page)
    expect(page.locator("#setting-seed input")).to_have_value("5")
    toast = page.locator(".toast-body, .toast-wrap").first
    expect(toast).to_contain_text("structure is 7.0")
    expect(toast).to_contain_text("style=<img>:0,5")
    take_screenshots(page, "link")

"""What holds on every tab, on a phone and on a desktop, light and dark."""

from __future__ import annotations

from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.helpers.browser import SIZES, open_tab
from tests.helpers.serving import ServedPage

TABS = ("Blend", "Map", "Four corners", "Paint", "Video", "Train", "Make it fast", "History", "Models")
JARGON = ("adapter", "Loss", "samples", "held-out")


@pytest.mark.long
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["phone", "desktop"])
def test_every_tab_can_be_used_by_everybody(
    theme: str, size: tuple[int, int], served: ServedPage, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(f"{served.address}?__theme={theme}")
    expect(page.locator("#words")).to_be_visible()
    for tab in TABS:
        open_tab(page, tab)
        page.wait_for_timeout(800)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], tab
        found = cast("Any", Axe().run(page)).response["violations"]
        assert not [(tab, v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found]
        if tab not in ("Models", "History"):
            text = page.locator(".gradio-container").inner_text()
            assert not [word for word in JARGON if word in text], tab
    expect(page.get_by_text("Settings", exact=True)).to_have_count(0)
    assert not errors
    context.close()


def test_on_a_phone_training_begins_with_the_pictures_and_models_have_labels(
    served: ServedPage, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(served.address)
    open_tab(page, "Train")
    order = ("#train-pictures", "#train-name", "#train", "#train-curve")
    boxes = [page.locator(name).bounding_box() for name in order]
    tops = [box["y"] for box in boxes if box is not None]
    assert len(tops) == len(order)
    assert tops == sorted(tops)
    open_tab(page, "Models")
    label = "getComputedStyle(document.querySelector('.models tbody td:nth-child(3)'), '::before').content"
    assert "Size" in page.evaluate(label)
    context.close()

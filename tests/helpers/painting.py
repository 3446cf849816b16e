"""What a visitor does on the Paint tab, as steps of a browser test."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.helpers.browser import open_tab

# the mean opacity of all masks
OPACITY = """(() => {
  const c = document.querySelector('.board canvas');
  const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  return pixels.filter((_, n) => n % 4 === 3).reduce((a, b) => a + b, 0) / (255 * c.width * c.height);
})()"""


def open_painter(page: Page) -> None:
    """Open the tab and wait for the photo."""
    open_tab(page, "Paint")
    expect(page.locator(".layer[data-id]")).not_to_have_count(0)
    page.wait_for_function("document.querySelector('.board img.shown').naturalWidth > 0")


def board(page: Page) -> Locator:
    return page.locator(".board canvas")


def opacity(page: Page) -> float:
    return float(page.evaluate(OPACITY))


def drag(page: Page, start: tuple[float, float], end: tuple[float, float], *, release: bool = True) -> None:
    """Drag the mouse over the picture; positions are from 0 to 1, to the right and down."""
    board(page).scroll_into_view_if_needed()
    box = board(page).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=5)
    if release:
        page.mouse.up()


def press_button(page: Page, name: str) -> None:
    page.locator("#mask-editor").get_by_role("button", name=name, exact=True).click()


def picture(page: Page) -> str:
    """The source of the picture that is shown."""
    return page.locator(".board img.shown").get_attribute("src") or ""


def expect_new_picture(page: Page, before: str) -> None:
    """Wait for a picture other than `before`."""
    expect(page.locator(".board img.shown")).not_to_have_attribute("src", before)

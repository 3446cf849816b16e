"""What the frame of the first tab shows: nothing new unless something changed, and at once that it is painting."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import choose, expect_change, shown_picture


@pytest.mark.parametrize("setting", [pytest.param("setting-colour", marks=pytest.mark.long), "setting-stroke"])
def test_a_dropdown_that_is_only_opened_changes_nothing(page: Page, setting: str) -> None:
    """Gradio reports an input when a dropdown is closed."""

    def open_and_close() -> None:
        page.locator(f"#{setting} input").click()
        page.keyboard.press("Escape")
        page.locator("#status").click()
        page.wait_for_timeout(1500)

    open_and_close()
    expect(page.locator("#compare .badge")).to_have_text("Example")
    page.locator("#render").click()
    expect(page.locator("#compare .badge")).to_have_text("Final")
    before = shown_picture(page)
    open_and_close()
    assert shown_picture(page) == before
    expect(page.locator("#compare .badge")).to_have_text("Final")
    choose(page, "setting-colour", "The photo's hues")
    expect_change(page, before)


def test_the_frame_says_at_once_that_it_is_being_painted(page: Page) -> None:
    def painting_after(selector: str, event: str) -> tuple[float, str]:
        """Milliseconds from an event to the mark on the frame, and what the mark says."""
        page.wait_for_selector(selector, state="attached")
        return page.evaluate(
            """([selector, event]) => new Promise((done) => {
              const from = performance.now(), frame = document.querySelector('#compare');
              const look = () => {
                const said = () => getComputedStyle(frame.querySelector('.compare'), '::after').content;
                if (frame.querySelector('.html-container.pending')) return done([performance.now() - from, said()]);
                if (performance.now() - from < 5000) requestAnimationFrame(look); else done([Infinity, '']);
              };
              const element = document.querySelector(selector);
              if (event === 'click') element.click();
              else { element.value = 0.4; element.dispatchEvent(new Event('input', { bubbles: true })); }
              look();
            })""",
            [selector, event],
        )

    slider, tile = "#setting-strength input[type=range]", "button.pick:not([aria-pressed=true])"
    for selector, event in ((slider, "input"), (tile, "click")):
        milliseconds, said = painting_after(selector, event)
        assert milliseconds < 300  # 100 on a machine that does nothing else
        assert said == '"Painting…"'
        expect(page.locator("#compare .html-container.pending")).to_have_count(0)
    expect(page.locator("#compare .badge")).to_have_text("Preview")

"""The wall in a browser: no tile is ever blank."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.helpers.browser import add_photo

BLANK = "[...document.querySelectorAll('.tile img.own')].filter((i) => !i.getAttribute('src')).length"
OWN = "document.querySelectorAll('.tile.own').length"
STALE = """[...document.querySelectorAll('.wall .tile:not(.own)')].filter((t) => {
  const a = t.getBoundingClientRect(), b = document.querySelector('.wall').getBoundingClientRect();
  return a.bottom > b.top && a.top < Math.min(b.bottom, innerHeight);
}).length"""


@pytest.mark.long
def test_every_tile_shows_the_example_at_once_and_the_photo_once_there_is_one(page: Page, tmp_path: Path) -> None:
    assert page.evaluate(BLANK) == 0
    page.wait_for_timeout(3000)
    assert page.evaluate(OWN) == 0  # nothing had to be painted
    Image.effect_noise((96, 64), 80).convert("RGB").save(tmp_path / "noise.png")
    add_photo(page, tmp_path / "noise.png")
    page.wait_for_function(f"{STALE} === 0", timeout=120_000)
    assert page.evaluate(BLANK) == 0
    page.locator("#examples button").first.click()
    expect(page.locator("#own-photo")).to_contain_text("Lake Sherburne")
    page.wait_for_function(f"{STALE} === 0", timeout=20_000)

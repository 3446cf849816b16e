"""The Paint tab in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from diffstyle import Picture
from tests.helpers.browser import CAT, add_photo, download, open_tab, take_screenshots
from tests.helpers.serving import ServedPage

# the mean opacity of the painted mask
OPACITY = """(() => {
  const c = document.querySelector('.mask-editor canvas');
  if (!c) return 0;
  const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  return pixels.filter((_, n) => n % 4 === 3).reduce((a, b) => a + b, 0) / (255 * c.width * c.height);
})()"""


def test_a_mask_is_painted_saved_and_restored(page: Page, browser: Browser, served: ServedPage, tmp_path: Path) -> None:
    add_photo(page)
    open_tab(page, "Paint")
    box = page.locator(".mask-editor canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    expect(page.locator("#paint-frame img.after")).to_be_visible()
    page.locator("#paint-render").click()
    expect(page.locator("#paint-status")).to_contain_text("Rendered in")
    take_screenshots(page, "paint")

    expect(page.locator("#layers a")).to_have_count(4)
    files = [download(page, "#layers a", tmp_path, n=n) for n in range(4)]
    named = {path.name.split("-")[0]: path for path in files}
    photo, painted, mask = (Picture.open(path) for path in (CAT, named["cat"], named["mask"]))
    brushed = Picture.open(named["brushed"])
    assert brushed.alpha is not None
    inside, outside = mask.pixels[0] > 0.5, mask.pixels[0] == 0
    assert 0.01 < float(inside.float().mean()) < 0.3
    assert torch.equal(painted.pixels[:, outside], photo.pixels[:, outside])
    assert float((painted.pixels - photo.pixels).abs()[:, inside].mean()) > 0.02
    assert torch.allclose(brushed.alpha, mask.pixels[:1], atol=1 / 255)

    other = browser.new_page()  # the mask is restored from the file, with its soft edges
    other.goto(served.address)
    open_tab(other, "History")
    other.locator("#restore input[type=file]").set_input_files(named["cat"])
    expect(other.locator("#history-status")).to_contain_text("Its mask is on the Paint tab", timeout=20_000)
    add_photo(other)
    open_tab(other, "Paint")
    other.wait_for_function(OPACITY + " > 0")
    assert other.evaluate(OPACITY) == pytest.approx(page.evaluate(OPACITY), abs=0.01)
    expect(other.locator("#elsewhere input")).to_have_value("the photo, unchanged")
    expect(other.locator("#inside input")).to_have_value("the mix of the first tab")
    other.locator("#paint-render").click()
    expect(other.locator("#paint-status")).to_contain_text("Rendered in")
    other.close()

"""The page as people use it: a real browser, the real server, the starter."""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Generator, Iterator
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from diffstyle import Picture, read_recipe
from tests.conftest import ROOT, waves
from tests.serving import Served, serving

SHOTS = ROOT / "runs" / "ui"  # git ignores it: pictures for people to look at
CAT = ROOT / "examples" / "cat.jpg"
WORDS = "ukiyo-e woodblock print, indigo and cream"
expect.set_options(timeout=120_000)


def chromium() -> str:
    """Where Debian's or another Chromium is; without one the tests are skipped, or fail where they are required."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None and os.environ.get("DIFFSTYLE_BROWSER") == "required":
        pytest.fail("There is no Chromium: apt-get install chromium.")
    if found is None:
        pytest.skip("There is no Chromium: apt-get install chromium.")
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("ui")) as page:
        yield page


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(served: Served, browser: Browser) -> Iterator[Page]:
    """A fresh page, which must not talk to anyone but its server, nor log an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    strangers: list[str] = []
    known = (served.address, "data:", "blob:")
    page.on("request", lambda r: strangers.append(r.url) if not r.url.startswith(known) else None)
    page.on("pageerror", lambda error: strangers.append(str(error)))
    page.goto(served.address)
    expect(page.locator("#words")).to_be_visible()
    yield page
    assert not strangers
    context.close()


def shoot(page: Page, name: str) -> None:
    """Keep the page as it looks on a desk and on a phone."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width, height in ((390, 844), (1280, 900)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=SHOTS / f"{name}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than {width} pixels"


def picture_for_the_readme(page: Page) -> None:
    page.evaluate("window.scrollTo(0, 0)")
    with Image.open(BytesIO(page.screenshot())) as image:
        image.convert("RGB").quantize(256).save(ROOT / "docs" / "images" / "ui.png", optimize=True)
    assert (ROOT / "docs" / "images" / "ui.png").stat().st_size <= 300_000


def with_photo(page: Page) -> None:
    page.locator("#photo input[type=file]").set_input_files(CAT)
    expect(page.locator("#compare img.after")).to_be_visible()


def say(page: Page, words: str) -> None:
    page.locator("#words :is(input, textarea)").fill(words)
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("Preview in")


def enter(page: Page, name: str, value: str) -> None:
    """Fill a widget that was unfolded just now: gradio puts its first value in once more, quicker than a hand is."""
    box = page.locator(f"#{name} :is(input, textarea)")
    for _ in range(10):
        box.fill(value)
        page.wait_for_timeout(400)
        if box.input_value() == value:
            return
    raise AssertionError(f"{name} does not take {value}")


def after(page: Page) -> str:
    return page.locator("#compare img.after").get_attribute("src") or ""


def changed(page: Page, before: str) -> None:
    expect(page.locator("#compare img.after")).not_to_have_attribute("src", before)


def slide(page: Page, name: str, key: str, times: int) -> None:
    page.locator(f"#{name} input[type=range]").focus()
    for _ in range(times):
        page.keyboard.press(key)


def test_a_photo_a_style_and_a_render(page: Page, tmp_path: Path) -> None:
    shoot(page, "empty")
    with_photo(page)
    say(page, WORDS)
    before = after(page)
    page.locator("button[data-name=klimt-gold]").click()
    expect(page.locator("button[data-name=klimt-gold]")).to_have_attribute("aria-pressed", "true")
    changed(page, before)
    before = after(page)
    slide(page, "setting-strength", "ArrowLeft", 20)
    changed(page, before)
    slide(page, "weight-1", "ArrowLeft", 50)
    if os.environ.get("DIFFSTYLE_SCREENSHOT"):
        picture_for_the_readme(page)
    page.locator("#render").click()
    expect(page.locator("#status")).to_contain_text("Rendered in")
    shoot(page, "stylise")
    with page.expect_download() as download:
        page.locator("#download").click()
    download.value.save_as(tmp_path / "out.png")
    recipe = read_recipe(tmp_path / "out.png")
    assert recipe.settings.strength == pytest.approx(0.8)
    assert recipe.settings.engine == "diffusion"
    assert Picture.open(tmp_path / "out.png").size == Picture.open(CAT).size
    weights = {r.prompt: r.weight for r in recipe.style.references}
    assert weights[WORDS] == pytest.approx(1 / 1.5)


def test_cancel_works_within_a_step(page: Page) -> None:
    with_photo(page)
    say(page, "charcoal drawing")
    page.locator("#advanced button").first.click()
    enter(page, "setting-denoise", "0.6")  # the starter's own has no room for so many steps
    enter(page, "setting-steps", "150")
    page.locator("#render").click()
    expect(page.locator("#status progress")).to_have_attribute("max", re.compile("[0-9]{2}"))
    page.locator("#cancel").click()
    expect(page.locator("#status")).to_contain_text("Cancelled")
    expect(page.locator("#render")).to_be_enabled()
    expect(page.locator("#cancel")).to_be_disabled()
    expect(page.locator("#download")).to_be_disabled()


def test_errors_are_sentences_in_the_page(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_bytes(b"this is no picture at all\n" * 10)
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "notes.jpg")
    toast = page.locator(".toast-body, .toast-wrap").first
    expect(toast).to_contain_text("notes.jpg")
    assert "/" not in toast.inner_text().replace("notes.jpg", "")


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def test_between_styles(page: Page) -> None:
    open_tab(page, "Blend")  # without a photo, the cat that comes with diffstyle is painted
    expect(page.locator("#strip img")).to_have_count(5)
    slide(page, "way", "ArrowRight", 10)
    expect(page.locator("#blend-status")).to_contain_text("klimt-gold 60%")
    shoot(page, "blend-path")
    open_tab(page, "Map")
    page.locator(".style-map button[aria-label=Neon]").click()
    expect(page.locator("#blend-status")).to_contain_text("neon 100%")
    box = page.locator(".style-map").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#blend-status")).not_to_contain_text("neon 100%")
    shoot(page, "blend-map")
    open_tab(page, "Four corners")
    page.locator("#pad i").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
    expect(page.locator("#blend-status")).to_contain_text("van-gogh-irises 100%")
    corner = page.locator("#corner-3 input")
    corner.fill("Neon")
    page.get_by_role("option", name="neon").click()
    expect(page.locator("#blend-status")).to_contain_text("neon 100%")
    corner.fill("van-gogh-irises")
    page.get_by_role("option", name="van-gogh-irises").click()
    expect(page.locator("#pad figcaption").last).to_have_text("Van gogh irises")
    expect(page.locator("#blend-status")).to_contain_text("van-gogh-irises 100%")
    for _ in range(6):
        page.locator("#pad i").press("ArrowLeft")
    shoot(page, "blend-corners")
    page.locator("#use-blend").click()
    expect(page.locator(".part").filter(has_text="Van Gogh irises")).to_be_visible()


# the mean opacity of what is painted on the easel
ALPHA = """(() => {
  const c = document.querySelector('.easel canvas');
  if (!c) return 0;
  const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
  return pixels.filter((_, n) => n % 4 === 3).reduce((a, b) => a + b, 0) / (255 * c.width * c.height);
})()"""


def test_a_brushed_mask_and_its_layers(page: Page, browser: Browser, served: Served, tmp_path: Path) -> None:
    with_photo(page)
    open_tab(page, "Paint")
    box = page.locator(".easel canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    expect(page.locator("#paint-frame img.after")).to_be_visible()
    page.locator("#paint-render").click()
    expect(page.locator("#paint-status")).to_contain_text("Rendered in")
    shoot(page, "paint")
    files: dict[str, Path] = {}
    links = page.locator("#layers a")
    expect(links).to_have_count(4)
    for n in range(4):
        with page.expect_download() as download:
            links.nth(n).click()
        name = download.value.suggested_filename
        files[name.split("-")[0]] = tmp_path / name
        download.value.save_as(tmp_path / name)
    photo, painted, mask = (Picture.open(path) for path in (CAT, files["cat"], files["mask"]))
    brushed = Picture.open(files["brushed"])
    assert brushed.alpha is not None
    held = mask.pixels[0] > 0.5
    assert 0.01 < float(held.float().mean()) < 0.3
    assert torch.equal(painted.pixels[:, mask.pixels[0] == 0], photo.pixels[:, mask.pixels[0] == 0])
    assert float((painted.pixels - photo.pixels).abs()[:, held].mean()) > 0.02
    assert torch.allclose(brushed.alpha, mask.pixels[:1], atol=1 / 255)

    other = browser.new_page()  # the mask comes back from the file, soft edges and all
    other.goto(served.address)
    open_tab(other, "History")
    other.locator("#drop-back input[type=file]").set_input_files(files["cat"])
    expect(other.locator("#history-status")).to_contain_text("Its mask is on the Paint tab", timeout=10_000)
    with_photo(other)
    open_tab(other, "Paint")
    other.wait_for_function(ALPHA + " > 0")
    assert other.evaluate(ALPHA) == pytest.approx(page.evaluate(ALPHA), abs=0.01)
    expect(other.locator("#elsewhere input")).to_have_value("the photo as it is")
    expect(other.locator("#inside input")).to_have_value("the styles of the first tab")
    other.locator("#paint-render").click()
    expect(other.locator("#paint-status")).to_contain_text("Rendered in")
    other.close()


def test_a_saved_picture_brings_the_controls_back(page: Page, browser: Browser, served: Served, tmp_path: Path) -> None:
    with_photo(page)
    say(page, "charcoal drawing")
    slide(page, "setting-strength", "ArrowLeft", 25)
    page.locator("#setting-seed :is(input, textarea)").fill("77")
    page.locator("button[data-name=neon]").click()
    expect(page.locator("button[data-name=neon]")).to_have_attribute("aria-pressed", "true")
    page.locator("#render").click()
    expect(page.locator("#status")).to_contain_text("seed 77")
    page.locator("#vary").click()
    expect(page.locator("#status")).to_contain_text("Four seeds")
    expect(page.locator(".seeds button")).to_have_count(4)
    with page.expect_download() as download:
        page.locator("#download").click()
    download.value.save_as(tmp_path / "out.png")
    open_tab(page, "History")
    expect(page.locator(".kept button")).to_have_count(5)

    other = browser.new_page()  # another visitor sees none of it, and gets it all back from the file
    other.goto(served.address)
    open_tab(other, "History")
    expect(other.locator("#history")).to_contain_text("Nothing here yet")
    other.locator("#drop-back input[type=file]").set_input_files(tmp_path / "out.png")
    expect(other.locator("#setting-strength input[type=number]")).to_have_value("0.75")
    expect(other.locator("#setting-seed input")).to_have_value("77")
    expect(other.locator(".part").filter(has_text="charcoal drawing")).to_be_visible()
    expect(other.locator("button[data-name=neon]")).to_have_attribute("aria-pressed", "true")
    other.close()


def test_two_results_are_compared_and_voted_on(page: Page, served: Served) -> None:
    with_photo(page)
    say(page, "mosaic")
    page.locator("#vary").click()
    expect(page.locator("#status")).to_contain_text("Four seeds")
    open_tab(page, "History")
    page.locator(".kept button").first.click()
    expect(page.locator("#history-status")).to_contain_text("mosaic")
    page.locator("#compare-two button").first.click()
    for side, n in (("left", 0), ("right", 1)):
        page.locator(f"#{side} input").click()
        page.get_by_role("option").nth(n).click()
    expect(page.locator("#pair img.after")).to_be_visible()
    page.locator("#vote button").first.click()
    page.locator("#draw").click()
    expect(page.locator("#blind img")).to_have_count(2)
    shoot(page, "history")
    page.locator("#vote-b").click()
    expect(page.locator("#voted")).to_contain_text("Noted")
    header, line = csv.reader((served.folder / "votes.csv").read_text().splitlines())
    vote = dict(zip(header, line, strict=True))
    assert vote["choice"] == "b"
    assert vote["a_sha256"] != vote["b_sha256"]
    assert len(vote["b_sha256"]) == 64


def test_a_tiny_adapter_is_trained_stopped_and_gone_on_with(page: Page, served: Served, tmp_path: Path) -> None:
    files = [tmp_path / f"{n}.png" for n in range(4)]
    for n, path in enumerate(files):
        Image.fromarray(waves(160, 128, seed=n)).save(path)
    open_tab(page, "Train")
    page.locator("#train-pictures input[type=file]").set_input_files(files)
    status, start = page.locator("#train-status"), page.locator("#train")
    start.click()
    expect(page.locator(".toast-body").first).to_contain_text("no name yet")
    page.locator("#train-name :is(input, textarea)").fill("tiny")
    page.locator("#train-steps :is(input, textarea)").fill("24")
    start.click()
    expect(page.locator("#curve polyline").first).to_be_visible(timeout=240_000)
    page.locator("#train-stop").click()
    expect(status).to_contain_text("Stopped", timeout=240_000)
    assert (served.folder / "adapters" / ".tiny.training.pt").is_file()
    start.click()
    expect(page.locator("#sheet img[alt*='painted now']")).to_be_visible(timeout=300_000)
    expect(status).to_contain_text("among your adapters", timeout=300_000)
    expect(page.locator("#sheet img")).to_be_visible()
    shoot(page, "train")
    open_tab(page, "Stylise")
    with_photo(page)
    page.locator("#own input").click()
    page.get_by_role("option", name="tiny").click()
    expect(page.locator(".part").filter(has_text="tiny")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Preview in")


def test_models_say_how_they_are_got(page: Page) -> None:
    open_tab(page, "Models")
    expect(page.locator("#models")).to_contain_text("starter")
    expect(page.locator("#models")).to_contain_text("sdxl")
    shoot(page, "models")


def test_every_control_has_a_name(page: Page) -> None:
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button, input, textarea, [tabindex="0"]')]
        .filter((e) => e.offsetParent && e.type !== 'file' && e.getAttribute('aria-hidden') !== 'true')
        .filter((e) => !(e.innerText?.trim() || e.getAttribute('aria-label') || e.title || e.labels?.length))
        .map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert unnamed == []


def test_dark_is_dark(browser: Browser, served: Served) -> None:
    page = browser.new_page(color_scheme="dark", viewport={"width": 1280, "height": 900})
    page.goto(served.address)
    expect(page.locator("#words")).to_be_visible()
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")[:3]
    assert max(red, green, blue) < 60
    with_photo(page)
    say(page, WORDS)
    page.screenshot(path=SHOTS / "dark-1280.png", full_page=True)
    page.close()

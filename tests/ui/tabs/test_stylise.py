"""The Stylise tab in a browser."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from diffstyle_ui.app.example_pairs import example_pairs
from playwright.sync_api import Browser, Page, Route, expect

from diffstyle import Picture, read_recipe
from diffstyle.engines.registry import interactive_engine, settings_class
from tests.helpers.browser import (
    CAT,
    SHOTS,
    SIZES,
    add_photo,
    add_style,
    choose,
    choose_engine,
    download_shown,
    expect_change,
    open_advanced,
    pick_style,
    press,
    say,
    shown_picture,
    stepwise_engine,
    take_documentation_picture,
    take_screenshots,
)
from tests.helpers.serving import ServedPage

WORDS = "ukiyo-e woodblock print, indigo and cream"
MAX_TAB_STOPS = 12  # from the words to the button that renders
# dispatches a drop or a paste of a file, given as base64, on the page
TRANSFER = """([kind, name, data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: 'image/jpeg' }));
  const event = kind === 'paste' ? new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true })
    : new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true });
  document.body.dispatchEvent(event);
}"""


def test_the_first_screen_is_painted(page: Page) -> None:
    first = example_pairs()[0]
    expect(page.locator("#compare .badge")).to_have_text("Example")
    expect(page.locator("#compare img.after")).to_be_visible()
    assert shown_picture(page).endswith(base64.b64encode(first.painted.read_bytes()).decode())
    expect(page.locator(".examples button")).to_have_count(6)
    expect(page.locator("#own-photo")).to_contain_text("An example")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        box = page.locator("#compare img.after").bounding_box()
        assert box is not None
        assert box["y"] >= 0
        assert box["y"] + box["height"] < height
    for elem_id in ("words", "presets", "setting-strength", "setting-structure", "setting-colour", "setting-stroke"):
        box = page.locator(f"#{elem_id}").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 900, f"{elem_id} is below the fold"
    take_screenshots(page, "first")


def test_an_example_is_one_click(page: Page) -> None:
    page.locator(".examples button").nth(4).click()
    expect(page.locator("#own-photo")).to_contain_text("coffee")
    expect(page.locator(".part").first).to_contain_text("Pop art")
    expect(page.locator("#status")).to_contain_text("Preview in")
    page.locator("#render").click()
    expect(page.locator("#compare .badge")).to_have_text("Final")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_photo_is_dropped_or_pasted_anywhere(page: Page, way: str) -> None:
    page.evaluate(TRANSFER, [way, f"{way}.jpg", base64.b64encode(CAT.read_bytes()).decode()])
    expect(page.locator("#own-photo")).to_contain_text(f"{way}.jpg, 451 × 300")
    expect(page.locator("#status")).to_contain_text("Preview in")


def test_a_photo_waits_for_a_box_that_is_changing(page: Page) -> None:
    box = page.locator("#photo input[type=file]")
    expect(box).to_be_attached()
    box.evaluate("(box) => { const home = box.parentNode; box.remove(); setTimeout(() => home.append(box), 500); }")
    page.evaluate(TRANSFER, ["paste", "late.jpg", base64.b64encode(CAT.read_bytes()).decode()])
    expect(page.locator("#own-photo")).to_contain_text("late.jpg, 451 × 300")


@pytest.mark.long
def test_a_photo_a_mix_and_a_render(page: Page, tmp_path: Path) -> None:
    add_photo(page)
    say(page, WORDS)
    expect(page.locator(".weight").first).to_be_hidden()  # one style needs no weight
    before = shown_picture(page)
    add_style(page, "klimt-gold")
    expect_change(page, before)
    before = shown_picture(page)
    press(page, "setting-strength", "ArrowLeft", 20)
    expect_change(page, before)
    press(page, "weight-1", "ArrowLeft", 50)
    expect(page.locator("#status")).to_contain_text("a draft of the render")
    if os.environ.get("DIFFSTYLE_SCREENSHOT"):
        take_documentation_picture(page)
    preview = download_shown(page, tmp_path)
    assert max(Picture.open(preview).size) <= 512
    page.locator("#render").click()
    expect(page.locator("#status")).to_contain_text("Rendered in")
    expect(page.locator("#compare .badge")).to_have_text("Final")
    take_screenshots(page, "stylise")
    out = download_shown(page, tmp_path)
    recipe = read_recipe(out)
    assert recipe.settings.strength == pytest.approx(0.8)
    assert Picture.open(out).size == Picture.open(CAT).size
    weights = {r.prompt: r.weight for r in recipe.style.references}
    assert weights[WORDS] == pytest.approx(1 / 1.5)


def test_a_part_of_the_photo_is_painted_alone(page: Page) -> None:
    """One click from the first screen; the version of the strip brings it back."""

    def changed(x: float, y: float) -> float:
        """How much the result differs from the photo around a place, from 0 to 255."""
        return page.evaluate(
            """([x, y]) => {
              const [before, after] = ['before', 'after'].map((side) => {
                const image = document.querySelector(`#compare img.${side}`), canvas = document.createElement('canvas');
                canvas.width = canvas.height = 100;
                const context = canvas.getContext('2d');
                context.drawImage(image, 0, 0, 100, 100);
                return context.getImageData(x * 100 - 5, y * 100 - 5, 10, 10).data;
              });
              return before.reduce((sum, value, n) => sum + Math.abs(value - after[n]), 0) / before.length;
            }""",
            [x, y],
        )

    face, wall = (0.48, 0.28), (0.06, 0.06)
    page.locator(".examples button").nth(1).click()
    expect(page.locator("#status")).to_contain_text("Preview in")
    expect(page.locator("#compare .html-container.pending")).to_have_count(0)
    for choice, painted, kept in (("Background", wall, face), ("Person or subject", face, wall)):
        before = shown_picture(page)
        page.locator("#setting-only").get_by_text(choice, exact=True).click()
        expect_change(page, before)
        expect(page.locator("#compare .html-container.pending")).to_have_count(0)
        assert changed(*painted) > 4
        assert changed(*kept) < 2
    take_screenshots(page, "only")
    page.locator("#render").click()
    expect(page.locator("#compare .badge")).to_have_text("Final")
    assert changed(*wall) < 2
    page.locator("#setting-only").get_by_text("Everything", exact=True).click()
    expect(page.locator("#compare .badge")).to_have_text("Preview")
    page.locator("#versions button").first.click()
    expect(page.locator("#setting-only").get_by_label("Person or subject")).to_be_checked()


def test_a_pick_replaces_and_plus_adds(page: Page) -> None:
    parts = page.locator(".part:visible span")
    pick_style(page, "klimt-gold")
    expect(parts).to_have_text(["Klimt, Portrait of Adele Bloch-Bauer I"])
    pick_style(page, "van-gogh-irises")
    expect(parts).to_have_text(["Van Gogh, Irises"])
    add_style(page, "text:linocut")
    expect(parts).to_have_text(["Van Gogh, Irises", "Linocut"])
    page.get_by_role("button", name="Remove Van Gogh, Irises").click()
    expect(parts).to_have_text(["Linocut"])
    say(page, "charcoal")
    expect(parts).to_have_text(["charcoal"])
    page.get_by_role("button", name="Keep this style and describe another").click()
    page.locator("#words input").press_sequentially("mosaic")
    expect(parts).to_have_text(["charcoal", "mosaic"])
    page.locator("#clear-mix").click()
    expect(parts).to_have_count(0)
    expect(page.locator("#status")).to_contain_text("Describe or choose a style")


@pytest.mark.parametrize("width", [pytest.param(390, marks=pytest.mark.long), 1280])
def test_words_of_the_mix_can_be_edited(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    parts, box = page.locator(".part:visible span"), page.locator("#words input")
    say(page, "charcoal")
    add_style(page, "van-gogh-irises")
    expect(parts).to_have_text(["charcoal", "Van Gogh, Irises"])
    page.locator(".part").filter(has_text="charcoal").click()
    expect(box).to_be_focused()
    expect(box).to_have_value("charcoal")
    box.fill("woodcut, indigo on cream")
    page.keyboard.press("Enter")
    expect(parts).to_have_text(["woodcut, indigo on cream", "Van Gogh, Irises"])
    expect(box).to_have_value("woodcut, indigo on cream")
    page.locator(".facts").get_by_role("button", name="Remove ink indigo").click()
    expect(parts.first).not_to_contain_text("indigo")
    expect(parts).to_have_count(2)
    page.get_by_role("button", name="Keep this style and describe another").click()
    box.press_sequentially("mosaic")
    expect(parts).to_have_count(3)
    page.screenshot(path=SHOTS / f"edit-{width}.png")


def test_words_are_painted_while_one_types_and_their_facts_can_be_edited(page: Page) -> None:
    page.locator("#words input").press_sequentially("woodcut, indigo on cream, flurbish")
    facts = page.locator(".facts")
    expect(facts).to_contain_text("not understood: flurbish")
    expect(facts.get_by_label("medium: woodcut")).to_have_value("woodcut")
    take_screenshots(page, "words")
    facts.get_by_label("ink: indigo").select_option("red")
    expect(page.locator("#words input")).to_have_value("woodcut, red ink, on cream paper")
    expect(page.locator(".part:visible span")).to_have_text(["woodcut, red ink, on cream paper"])
    facts.get_by_role("button", name="Remove paper cream").click()
    expect(page.locator("#words input")).to_have_value("woodcut, red ink")


def test_the_wall_shows_the_visitors_photo(page: Page) -> None:
    add_photo(page)
    tile = page.locator('.tile[data-key="text:comic"]')
    expect(tile).to_have_class(re.compile("own"))
    expect(tile.locator("img.own")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    page.get_by_role("button", name="Drawings", exact=True).click()
    expect(page.locator('.tile[data-key="charcoal"]')).to_be_visible()
    expect(tile).to_be_hidden()
    page.get_by_label("Search styles").fill("water lilies")
    expect(page.locator(".tile:visible").first).to_contain_text("Monet")
    page.get_by_label("Search styles").fill("")
    page.get_by_role("button", name="All", exact=True).click()
    first = page.locator(".tile:visible .pick").first
    first.focus()
    first.press("ArrowRight")
    expect(page.locator(".tile:visible .pick").nth(1)).to_be_focused()


def test_an_answer_to_a_search_that_was_emptied_meanwhile_is_dropped(page: Page) -> None:
    asked: list[Route] = []
    page.route("**/queue/join*", lambda route: asked.append(route))
    tiles = page.locator(".tile:visible")
    count = tiles.count()
    page.get_by_label("Search styles").fill("water lilies")
    page.wait_for_timeout(700)  # longer than the page waits for more letters
    page.get_by_label("Search styles").fill("")
    assert any("water lilies" in (route.request.post_data or "") for route in asked)
    for route in asked:
        route.continue_()
    page.unroute("**/queue/join*")
    page.wait_for_timeout(2000)  # in which the answer comes
    expect(tiles).to_have_count(count)


def test_the_stage_zooms_and_stays_in_view(page: Page) -> None:
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    width = page.evaluate("document.querySelector('#compare .pictures').offsetWidth")
    assert width > 1.5 * page.evaluate("document.querySelector('#compare .view').offsetWidth")
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Zoom out").click()
    expect(page.locator("#compare")).not_to_have_class(re.compile("zoomed"))
    divider = page.get_by_label("Divider between photo and result")
    divider.press("ArrowRight")
    expect(divider).to_have_value("51")
    open_advanced(page)
    page.evaluate("window.scrollTo(0, 600)")
    box = page.locator("#compare").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < 100


def test_render_is_a_few_tab_stops_from_the_words(page: Page) -> None:
    page.locator("#words input").focus()
    for n in range(1, MAX_TAB_STOPS + 1):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.id")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        shadow = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
        assert outline != "none" or shadow != "none", f"stop {n} has no visible focus"
        if focused == "render":
            return
    pytest.fail(f"Render is more than {MAX_TAB_STOPS} stops from the words")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES, ids=["phone", "desktop"])
def test_nobody_is_shut_out(browser: Browser, served: ServedPage, size: tuple[int, int], scheme: str) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(served.address)
    expect(page.locator("#words")).to_be_visible()
    found = Axe().run(page, context="#stylise", options={"resultTypes": ["violations"]})
    violations = cast("list[dict[str, Any]]", cast("Any", found).response["violations"])
    assert not [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in violations]
    context.close()


def test_an_engine_shows_its_settings_and_can_be_cancelled(page: Page) -> None:
    engine = stepwise_engine()
    add_photo(page)
    say(page, "charcoal drawing")
    open_advanced(page)
    choose(page, "setting-engine", settings_class(interactive_engine()).title)
    for elem_id in (f"engine-{engine}", "setting-seed", "setting-structure", "vary"):
        expect(page.locator(f"#{elem_id}")).to_be_hidden()
    choose_engine(page, engine, denoise=0.6, steps=150)
    for elem_id in ("setting-seed", "setting-structure", "vary"):
        expect(page.locator(f"#{elem_id}")).to_be_visible()
    take_screenshots(page, "engine")
    page.locator("#render").click()
    expect(page.locator("#status progress")).to_have_attribute("max", re.compile("[0-9]{2}"))
    page.locator("#cancel").click()
    expect(page.locator("#status")).to_contain_text("Cancelled")
    expect(page.locator("#render")).to_be_enabled()
    expect(page.locator("#cancel")).to_be_disabled()
    expect(page.locator(".versions button")).to_have_count(0)


def test_who_waits_sees_the_place_and_can_cancel(page: Page, browser: Browser, served: ServedPage) -> None:
    choose_engine(page, stepwise_engine(), denoise=0.6, steps=150)
    page.locator("#render").click()
    expect(page.locator("#status progress")).to_have_attribute("max", re.compile("[0-9]{2}"))
    context = browser.new_context()
    other = context.new_page()
    other.goto(served.address)
    say(other, "charcoal")
    other.locator("#render").click()
    expect(other.locator("#status")).to_contain_text("Waiting: one render before yours, about")
    other.locator("#cancel").click()
    expect(other.locator("#render")).to_be_enabled()
    expect(other.locator(".toast-body.info")).to_contain_text("cancelled")  # Gradio titles errors "Error"
    expect(other.locator(".toast-body.error")).to_have_count(0)
    context.close()
    page.locator("#cancel").click()
    expect(page.locator("#render")).to_be_enabled()


@pytest.mark.long
def test_a_click_on_a_version_brings_it_back(page: Page) -> None:
    strength = page.locator("#setting-strength input[type=number]")
    for words in ("mosaic", "charcoal"):
        say(page, words)
        press(page, "setting-strength", "ArrowLeft", 10)
        page.locator("#render").click()
        expect(page.locator("#compare .badge")).to_have_text("Final")
    expect(page.locator(".versions button")).to_have_count(2)
    expect(strength).to_have_value("0.8")
    page.locator(".versions button").last.click()
    expect(strength).to_have_value("0.9")
    expect(page.locator(".part:visible span")).to_have_text(["Mosaic"])
    expect(page.locator("#compare .badge")).to_have_text("Final")
    expect(page.locator("#compare img.after")).to_have_attribute("alt", re.compile("Mosaic"))
    pick_style(page, "van-gogh-irises")  # which the engine of the version cannot paint: the style chooses its own
    expect(page.locator("#status")).to_contain_text("a draft of the render")
    page.locator("#render").click()
    expect(page.locator("#compare img.after")).to_have_attribute("alt", re.compile("Irises · Painter"))


def test_errors_are_sentences_without_paths(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_bytes(b"this is no picture at all\n" * 10)
    page.locator("#photo input[type=file]").set_input_files(tmp_path / "notes.jpg")
    toast = page.locator(".toast-body, .toast-wrap").first
    expect(toast).to_contain_text("notes.jpg")
    assert "/" not in toast.inner_text().replace("notes.jpg", "")


def test_every_control_has_a_name(page: Page) -> None:
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button, input, textarea, [tabindex="0"]')]
        .filter((e) => e.offsetParent && e.type !== 'file' && e.getAttribute('aria-hidden') !== 'true')
        .filter((e) => !(e.innerText?.trim() || e.getAttribute('aria-label') || e.title || e.labels?.length))
        .map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert unnamed == []


def test_dark_mode_is_dark(browser: Browser, served: ServedPage) -> None:
    page = browser.new_page(color_scheme="dark", viewport={"width": 1280, "height": 900})
    page.goto(served.address)
    expect(page.locator("#words")).to_be_visible()
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")[:3]
    assert max(red, green, blue) < 60
    say(page, WORDS)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "dark-1280.png", full_page=True)
    page.close()

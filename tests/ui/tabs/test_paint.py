"""The Paint tab in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from diffstyle import Picture, read_recipe
from tests.helpers.browser import (
    CAT,
    SIZES,
    add_photo,
    choose_engine,
    download,
    open_tab,
    say,
    stepwise_engine,
    take_screenshots,
)
from tests.helpers.painting import (
    OPACITY,
    board,
    drag,
    expect_new_picture,
    opacity,
    open_painter,
    picture,
    press_button,
)
from tests.helpers.serving import ServedPage

PHONE, DESKTOP = SIZES


@pytest.fixture(params=[pytest.param(PHONE, marks=pytest.mark.long), DESKTOP], ids=["phone", "desktop"])
def painter(request: pytest.FixtureRequest, page: Page) -> Iterator[Page]:
    """The tab with the photo of a cat, on a phone and on a desktop."""
    width, height = request.param
    add_photo(page)
    page.set_viewport_size({"width": width, "height": height})
    if width < 500:  # Gradio hides tabs that do not fit
        page.set_viewport_size({"width": 1280, "height": height})
        open_painter(page)
        page.set_viewport_size({"width": width, "height": height})
    else:
        open_painter(page)
    yield page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.long
def test_a_mask_is_painted_saved_and_restored(page: Page, browser: Browser, served: ServedPage, tmp_path: Path) -> None:
    add_photo(page)
    open_painter(page)
    before = picture(page)
    drag(page, (0.2, 0.5), (0.4, 0.5))
    expect_new_picture(page, before)
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
    restore(other, named["cat"], "Its mask is on the Paint tab")
    assert opacity(other) == pytest.approx(opacity(page), abs=0.01)
    expect(other.get_by_label("Elsewhere", exact=True)).to_have_value("photo:")
    expect(other.get_by_label("Style of layer 1")).to_have_value("mix:")
    other.locator("#paint-render").click()
    expect(other.locator("#paint-status")).to_contain_text("Rendered in")
    other.close()


def restore(page: Page, path: Path, said: str) -> None:
    open_tab(page, "History")
    page.locator("#restore input[type=file]").set_input_files(path)
    expect(page.locator("#history-status")).to_contain_text(said, timeout=20_000)
    add_photo(page)
    open_painter(page)
    page.wait_for_function(OPACITY + " > 0")


def test_the_picture_is_where_one_brushes(painter: Page) -> None:
    photo = picture(painter)
    tint = board(painter)
    drag(painter, (0.3, 0.3), (0.6, 0.6), release=False)
    expect(painter.locator(".ring")).to_be_visible()
    assert opacity(painter) > 0  # the stroke is seen while it is made
    expect(tint).to_have_css("opacity", "0.6")
    painter.mouse.up()
    expect_new_picture(painter, photo)
    expect(tint).to_have_css("opacity", "0.14")
    press_button(painter, "Tint")
    expect(tint).to_have_css("opacity", "0")
    look = painter.get_by_role("button", name="Hold for photo")
    look.scroll_into_view_if_needed()
    look.hover()
    painter.mouse.down()
    expect(painter.locator(".board img.photo")).to_be_visible()
    painter.mouse.up()
    expect(painter.locator(".board img.photo")).not_to_be_visible()
    painted = picture(painter)
    press_button(painter, "Undo")
    expect_new_picture(painter, painted)
    expect(painter.locator(".board img.shown")).to_have_attribute("src", photo)


def test_masks_are_edited_and_edits_undone(painter: Page) -> None:
    expect(painter.get_by_role("button", name="Undo")).to_be_disabled()
    drag(painter, (0.3, 0.5), (0.7, 0.5))
    stroke = opacity(painter)
    assert 0.02 < stroke < 0.3
    press_button(painter, "Invert")
    assert opacity(painter) == pytest.approx(1 - stroke, abs=0.01)
    press_button(painter, "Fill")
    assert opacity(painter) == 1
    press_button(painter, "Erase")
    drag(painter, (0.3, 0.5), (0.7, 0.5))
    assert opacity(painter) == pytest.approx(1 - stroke, abs=0.01)
    press_button(painter, "Clear")
    assert opacity(painter) == 0
    painter.keyboard.press("Control+z")
    painter.keyboard.press("Control+z")
    assert opacity(painter) == 1
    press_button(painter, "Undo")
    press_button(painter, "Undo")
    assert opacity(painter) == pytest.approx(stroke, abs=0.001)
    press_button(painter, "Undo")
    assert opacity(painter) == 0
    painter.keyboard.press("Control+Shift+Z")
    assert opacity(painter) == pytest.approx(stroke, abs=0.001)
    press_button(painter, "Redo")
    assert opacity(painter) == pytest.approx(1 - stroke, abs=0.01)
    press_button(painter, "Box")
    press_button(painter, "Clear")
    drag(painter, (0.25, 0.25), (0.75, 0.75))
    assert opacity(painter) == pytest.approx(0.25, abs=0.02)
    expect(painter.get_by_role("button", name="Redo")).to_be_disabled()


def test_wheel_and_brackets_change_the_size_of_the_brush(page: Page) -> None:
    open_painter(page)
    board(page).hover()
    ring = page.locator(".ring")

    def width() -> float:
        box = ring.bounding_box()
        assert box is not None
        return box["width"]

    small = width()
    page.mouse.wheel(0, -300)
    page.wait_for_function(f"document.querySelector('.ring').getBoundingClientRect().width > {small * 1.1}")
    assert page.evaluate("window.scrollY") == 0
    large = width()
    page.mouse.wheel(0, 600)
    page.wait_for_function(f"document.querySelector('.ring').getBoundingClientRect().width < {large * 0.9}")
    board(page).focus()
    for key, larger in (("]", True), ("[", False)):
        before = width()
        page.keyboard.press(key)
        assert (width() > before) == larger
    box = ring.bounding_box()
    assert box is not None
    drag(page, (0.5, 0.5), (0.5, 0.5))
    shown = board(page).bounding_box()
    assert shown is not None
    area = 3.14159 * (width() / 2) ** 2 / (shown["width"] * shown["height"])
    assert opacity(page) == pytest.approx(area, rel=0.15)  # the outline is as large as what is painted


def test_selections_are_added_and_undone(painter: Page) -> None:
    for name in ("Subject", "Background"):
        press_button(painter, name)
        painter.wait_for_function(OPACITY + " > 0.1")
        expect(painter.get_by_role("button", name=name)).to_be_enabled()
        if name == "Subject":
            drag(painter, (0.05, 0.05), (0.1, 0.05))  # added to what is selected
            press_button(painter, "Undo")
        press_button(painter, "Undo")
        assert opacity(painter) == 0
    press_button(painter, "Object")
    drag(painter, (0.3, 0.2), (0.9, 0.9))
    painter.wait_for_function(OPACITY + " > 0.02")
    press_button(painter, "Clear")
    press_button(painter, "Sky")
    expect(painter.get_by_text("No sky was found in the photo")).to_be_visible()
    expect(painter.get_by_role("button", name="Sky")).to_be_enabled()


def test_the_tools_fit_a_phone(painter: Page) -> None:
    painter.set_viewport_size({"width": 390, "height": 844})
    edge = painter.locator(".board").bounding_box()
    assert edge is not None
    for button in painter.locator(".easel .tools :is(button, input)").all():
        box = button.bounding_box()
        assert box is not None
        assert box["x"] >= edge["x"] - 1
        assert box["x"] + box["width"] <= edge["x"] + edge["width"] + 1


def test_the_sky_is_selected(page: Page, tmp_path: Path) -> None:
    y, x = np.mgrid[0:200, 0:300]
    there = y < 90 + 20 * np.abs((x % 100) / 50 - 1)
    grain = np.random.default_rng(0).integers(-30, 30, (200, 300, 1))
    scene = np.where(there[..., None], np.array([90, 140, 210]), np.array([70, 90, 50]) + grain)
    Image.fromarray(scene.astype(np.uint8)).save(tmp_path / "ridge.png")
    add_photo(page, tmp_path / "ridge.png")
    open_painter(page)
    press_button(page, "Sky")
    page.wait_for_function(OPACITY + " > 0")
    assert opacity(page) == pytest.approx(there.mean(), abs=0.03)


@pytest.mark.long
def test_layers_have_styles_of_their_own(page: Page, browser: Browser, served: ServedPage, tmp_path: Path) -> None:
    add_photo(page)
    say(page, "charcoal")
    open_painter(page)
    expect(page.get_by_label("Style of layer 1")).to_have_value("mix:")  # the default, where there is a mix
    press_button(page, "Box")
    drag(page, (0.03, 0.03), (0.5, 0.97))
    for n in range(2, 5):
        press_button(page, "Add layer")
        expect(page.locator(".layer[data-id]")).to_have_count(n)
    expect(page.get_by_role("button", name="Add layer")).to_be_disabled()
    press_button(page, "Remove layer 4")
    press_button(page, "Undo")
    expect(page.locator(".layer[data-id]")).to_have_count(4)
    press_button(page, "Remove layer 4")
    press_button(page, "Remove layer 3")
    expect(page.get_by_role("button", name="Brush on layer 2")).to_have_attribute("aria-pressed", "true")
    page.get_by_label("Style of layer 2").select_option("words:")
    page.get_by_label("Style of layer 2, in words").fill("neon")
    page.keyboard.press("Enter")
    before = picture(page)
    drag(page, (0.5, 0.03), (0.8, 0.97))
    expect_new_picture(page, before)
    press_button(page, "Brush on layer 1")  # a stroke now goes to the first layer
    page.get_by_label("Style of layer 1").select_option("named:ukiyo-e")
    page.locator("#paint-render").click()
    expect(page.locator("#paint-status")).to_contain_text("Rendered in")
    expect(page.locator("#layers a")).to_have_count(6)
    take_screenshots(page, "paint-layers")
    saved = download(page, "#layers a", tmp_path)
    recipe = read_recipe(saved)
    assert recipe.mask is not None
    assert [recipe.style.label, *(r.style.label for r in recipe.regions)] == ["ukiyo-e", "neon"]
    photo, painted = Picture.open(CAT), Picture.open(saved)
    elsewhere = slice(round(0.85 * photo.width), None)
    assert torch.equal(painted.pixels[..., elsewhere], photo.pixels[..., elsewhere])

    before = picture(page)
    page.get_by_label("Elsewhere", exact=True).select_option("named:van-gogh-irises")
    expect_new_picture(page, before)
    page.locator("#paint-render").click()
    expect(page.locator("#layers a")).to_have_count(6)
    expect(page.locator("#paint-status")).to_contain_text("Van Gogh, Irises")
    saved = download(page, "#layers a", tmp_path)

    other = browser.new_page()
    other.goto(served.address)
    restore(other, saved, "Its 2 layers are on the Paint tab")
    expect(other.locator(".layer[data-id]")).to_have_count(2)
    expect(other.get_by_label("Elsewhere", exact=True)).to_have_value("mix:")
    expect(other.get_by_label("Style of layer 2")).to_have_value("saved:1")
    assert opacity(other) == pytest.approx(opacity(page), abs=0.01)
    other.locator("#paint-render").click()
    expect(other.locator("#paint-status")).to_contain_text("Rendered in")
    other.close()


def test_the_keyboard_paints_and_every_button_has_a_name(painter: Page) -> None:
    buttons = painter.locator("#mask-editor section button")
    names = [buttons.nth(n).get_attribute("aria-label") or buttons.nth(n).inner_text() for n in range(buttons.count())]
    assert all(names)
    assert len(set(names)) == len(names)
    board(painter).focus()
    painter.keyboard.press("Shift+ArrowLeft")
    assert opacity(painter) == 0
    for _ in range(3):
        painter.keyboard.press("ArrowRight")
    line = opacity(painter)
    assert line > 0
    painter.keyboard.press("ArrowDown")
    assert opacity(painter) > line
    painter.get_by_role("button", name="Clear").focus()
    assert painter.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    painter.keyboard.press("Enter")
    assert opacity(painter) == 0
    painter.get_by_role("button", name="Box", exact=True).focus()
    painter.keyboard.press("Enter")
    board(painter).focus()
    painter.keyboard.press("Space")
    for key in ("ArrowRight", "ArrowDown", "Space"):
        painter.keyboard.press(key)
    assert opacity(painter) > 0


def test_a_finger_paints_and_two_do_not(browser: Browser, served: ServedPage) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(served.address)
    open_painter(page)
    box = board(page).bounding_box()
    assert box is not None
    assert box["width"] > 300
    page.touchscreen.tap(box["x"] + 100, box["y"] + 60)
    assert opacity(page) > 0
    press_button(page, "Undo")
    touches = context.new_cdp_session(page)
    points = [{"x": box["x"] + 60, "y": box["y"] + 60, "id": 1}, {"x": box["x"] + 160, "y": box["y"] + 90, "id": 2}]
    touches.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    touches.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points})
    touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert opacity(page) == 0
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    context.close()


def test_a_cancelled_render_leaves_the_preview(page: Page) -> None:
    add_photo(page)
    choose_engine(page, stepwise_engine(), denoise=0.6, steps=200)
    open_painter(page)
    before = picture(page)
    drag(page, (0.3, 0.3), (0.6, 0.6))
    expect_new_picture(page, before)
    painted = picture(page)
    page.locator("#paint-render").click()
    expect(page.locator("#paint-status progress")).to_have_attribute("max", re.compile("[0-9]{2}"))
    expect_new_picture(page, painted)  # an unfinished one
    page.locator("#paint-cancel").click()
    expect(page.locator("#paint-status")).to_contain_text("Cancelled")
    page.wait_for_function("url => document.querySelector('.board img.shown').src === url", arg=painted)
    expect(page.locator("#paint-render")).to_be_enabled()
    expect(page.locator("#paint-cancel")).to_be_disabled()
    expect(page.locator("#layers")).not_to_be_visible()


def test_a_change_on_the_first_tab_is_seen(page: Page) -> None:
    add_photo(page)
    say(page, "charcoal")
    open_painter(page)
    before = picture(page)
    drag(page, (0.3, 0.3), (0.6, 0.6))
    expect_new_picture(page, before)
    expect(page.locator("#paint-status")).to_contain_text("a draft")
    before = picture(page)
    open_tab(page, "Stylise")
    say(page, "neon")
    open_painter(page)
    expect_new_picture(page, before)
    assert opacity(page) > 0  # the mask is kept


def test_a_render_without_a_mask_says_what_is_missing(page: Page) -> None:
    open_painter(page)
    page.locator("#paint-render").click()
    expect(page.get_by_text("brush over the photo first")).to_be_visible()

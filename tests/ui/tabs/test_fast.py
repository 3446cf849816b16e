"""*Make it fast* in a browser: from a style to a student that paints the photo."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from diffstyle.engines.feedforward.student import read_student
from diffstyle.engines.registry import student_engine
from tests.helpers.browser import (
    CAT,
    SIZES,
    add_photo,
    add_style,
    download,
    fill,
    open_advanced,
    open_tab,
    pick_style,
    shown_picture,
    take_screenshots,
)
from tests.helpers.page_client import connect, refusal
from tests.helpers.serving import ServedPage, serving

EXAMPLES, STEPS = 2, 60  # as few as there can be, and enough to be stopped
LONG = 300_000
KEY = "diffstyle-student"  # what the browser keeps it under


def test_a_style_opens_its_training_with_a_name(page: Page, served: ServedPage) -> None:
    pick_style(page, "text:etching")
    add_style(page, "text:linocut")
    page.locator("#make-fast").click()
    expect(page.locator("#fast-styles")).to_contain_text("Etching, Linocut")
    expect(page.locator("#fast-styles")).to_contain_text("they blend")
    name = page.locator("#fast-name :is(input, textarea)")
    expect(name).to_have_value("etching-linocut-fast")
    expect(page.get_by_label("20 minutes")).to_be_checked()
    expect(page.get_by_label("Small", exact=True)).to_be_checked()
    expect(page.get_by_text("Without photos of yours")).to_be_visible()
    take_screenshots(page, "fast")
    name.fill("../up")
    page.locator("#fast").click()
    expect(page.locator(".toast-body").first).to_contain_text("not a valid name")
    expect(page.locator("#fast")).to_be_enabled()
    expect(page.locator("#fast-stop")).to_be_disabled()
    assert not list((served.folder / "student-jobs").glob("*"))


@pytest.mark.long
def test_where_nobody_may_train_there_is_no_button(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, "--no-training") as served:
        page = browser.new_page()
        page.goto(served.address)
        expect(page.locator("#words")).to_be_visible()
        expect(page.locator(".part").first).to_be_visible()
        expect(page.locator("#make-fast")).to_have_count(0)
        expect(page.get_by_role("tab", name="Train", exact=True)).to_have_count(0)
        page.close()
        client = connect(served)
        assert "does not train" in refusal(client, "distil", style=["neon"], name="mine")
        client.close()


def wait_and_withdraw(browser: Browser, served: ServedPage) -> None:
    """Another visitor asks for a training, is told the place, and withdraws."""
    page = browser.new_page()
    page.goto(served.address)
    expect(page.locator("#words")).to_be_visible()
    page.locator("#make-fast").click()
    expect(page.locator("#fast-name :is(input, textarea)")).not_to_have_value("")
    page.locator("#fast").click()
    expect(page.locator("#fast-status")).to_contain_text("Waiting: one training before yours")
    page.locator("#fast-stop").click()
    expect(page.locator(".toast-body").first).to_contain_text("cancelled before it began")
    expect(page.locator("#fast")).to_be_enabled()
    page.close()


@pytest.mark.long
def test_a_student_is_trained_stopped_resumed_after_a_restart_and_paints(browser: Browser, tmp_path: Path) -> None:
    width, height = SIZES[-1]
    context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
    page = context.new_page()
    with serving(tmp_path) as served:
        page.goto(served.address)
        expect(page.locator("#words")).to_be_visible()
        pick_style(page, "text:etching")
        page.locator("#make-fast").click()
        expect(page.locator("#fast-name :is(input, textarea)")).to_have_value("etching-fast")
        page.locator("#fast-photos input[type=file]").set_input_files(CAT)
        page.locator("#fast-more button").first.click()
        fill(page, "fast-examples", str(EXAMPLES))
        fill(page, "fast-steps", str(STEPS))
        page.locator("#fast").click()
        expect(page.locator("#fast-status")).to_contain_text("Painting example", timeout=LONG)
        wait_and_withdraw(browser, served)
        expect(page.locator("#fast-curve polyline").first).to_be_visible(timeout=LONG)
        page.locator("#fast-stop").click()
        expect(page.locator("#fast-status")).to_contain_text("Stopped", timeout=LONG)
        expect(page.locator("#fast-resume")).to_be_visible()
        kept = page.evaluate(f"localStorage.getItem('{KEY}')")
    context.add_init_script(f"localStorage.setItem('{KEY}', {json.dumps(kept)})")  # the port is another one
    with serving(tmp_path) as served:
        page.goto(served.address)
        expect(page.locator("#words")).to_be_visible()
        add_photo(page)
        before = shown_picture(page)
        open_tab(page, "Train")
        open_tab(page, "Make it fast")
        expect(page.locator("#fast-status")).to_contain_text("etching-fast is not done")
        page.locator("#fast-resume").click()
        expect(page.locator("#fast-status")).to_contain_text("paints in real time now", timeout=LONG)
        expect(page.locator("#fast-sheet img")).to_be_visible()
        take_screenshots(page, "fast-done")
        saved = download(page, "#fast-safetensors", tmp_path)
        assert read_student(saved).names == "etching"
        assert download(page, "#fast-onnx", tmp_path).stat().st_size > 100_000
        assert (tmp_path / "students" / "etching-fast" / "CARD.md").is_file()
        assert not list((tmp_path / "student-jobs").glob("*"))
        page.locator("#fast-use").click()
        expect(page.locator(".part").filter(has_text="etching")).to_be_visible()
        expect(page.locator("#status")).to_contain_text("Preview in")
        expect(page.locator("#compare img.after")).not_to_have_attribute("src", before)
        open_advanced(page)
        expect(page.locator("#setting-engine input")).to_have_value("Student")
        page.locator(f"#engine-{student_engine()} button").first.click()
        student = page.locator(f"#setting-{student_engine()}-student :is(input, textarea)")
        expect(student).to_have_value("etching-fast")
        page.locator("#render").click()
        expect(page.locator("#status")).to_contain_text("Rendered in")
        expect(page.locator("#status")).to_contain_text("Student")
    context.close()

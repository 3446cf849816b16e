"""The Video tab in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from diffstyle.engines.registry import interactive_engine, settings_class
from diffstyle.video.clip_recipe import read_clip_recipe
from tests.helpers.browser import SIZES, choose, download, open_advanced, open_tab, take_screenshots
from tests.helpers.clips import moving, read_arrays, write_clip

PLAYS = "(v) => new Promise((done) => setTimeout(() => done(!v.paused && v.currentTime > 0), 500))"
APART = """() => {
  const [a, b] = ['painted', 'original'].map((name) => document.querySelector(`video.${name}`));
  return Math.abs(a.currentTime - b.currentTime);
}"""


def clip(path: Path, count: int = 12, size: tuple[int, int] = (320, 240), **options: float) -> Path:
    return write_clip(path, [moving(n, *size) for n in range(count)], sound=options.get("sound", 0))


def add_clip(page: Page, path: Path) -> None:
    open_tab(page, "Video")
    page.locator("#clip-file input[type=file]").set_input_files(path)
    expect(page.locator("#video-status")).to_contain_text("The first second in")


def test_a_clip_is_previewed_painted_played_and_downloaded(page: Page, tmp_path: Path) -> None:
    open_advanced(page)
    choose(page, "setting-engine", settings_class(interactive_engine()).title)
    add_clip(page, clip(tmp_path / "walk.mp4", 30, sound=3.0))
    player = page.locator("#clip-player")
    expect(player.locator("video")).to_have_count(2)
    expect(player.locator(".badge")).to_have_text("First second")
    page.locator("#clip-to :is(input, textarea)").fill("2")
    page.locator("#video-render").click()
    expect(player.locator(".badge")).to_have_text("Final")
    expect(page.locator("#video-status")).to_contain_text("Rendered 20 frames")
    expect(page.locator("#video-render")).to_be_enabled()
    take_screenshots(page, "video")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        found = cast("Any", Axe().run(page)).response["violations"]
        assert not [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found]
    player.get_by_role("button", name="Play").press("Space")
    assert player.locator("video.painted").evaluate(PLAYS)
    assert page.evaluate(APART) < 0.15
    player.get_by_role("button", name="Pause").press("Enter")
    player.get_by_label("Position").press("End")
    assert page.evaluate(APART) < 0.15
    assert player.locator("video.painted").evaluate("(v) => v.paused && v.currentTime > 1.5")
    assert player.locator("video.original").evaluate("(v) => v.muted")
    path = download(page, "#clip-player a[download]", tmp_path)
    assert len(read_arrays(path)) == 20
    assert read_clip_recipe(path).frame.content_source == "walk.mp4"
    page.reload()
    open_tab(page, "Video")
    expect(player.locator(".badge")).to_have_text("Final")
    expect(page.locator("#clips button")).to_have_count(1)


@pytest.mark.long
def test_a_cancelled_clip_is_shorter(page: Page, tmp_path: Path) -> None:
    frames = [Image.fromarray(moving(n, 96, 72)) for n in range(40)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
    add_clip(page, tmp_path / "a.gif")
    page.locator("#video-render").click()
    status = page.locator("#video-status")
    expect(status).to_contain_text("of 40")
    expect(page.locator("#clip-player img")).to_be_visible()
    page.locator("#video-cancel").click()
    expect(status).to_contain_text("Cancelled: the clip ends after")
    path = download(page, "#clip-player a[download]", tmp_path)
    painted = len(read_arrays(path))
    assert 0 < painted < 40
    expect(status).to_contain_text(f"the {painted} frames")
    cut = read_clip_recipe(path).cut
    assert cut.end is not None
    assert round(cut.end * 20) == painted


def test_what_is_no_clip_is_refused_with_a_sentence(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Video")
    (tmp_path / "a.mp4").write_bytes(b"no clip" * 99)
    page.locator("#clip-file input[type=file]").set_input_files(tmp_path / "a.mp4")
    said = page.locator(".toast-body").first
    expect(said).to_contain_text("Cannot read a.mp4")
    assert "/" not in said.inner_text()
    expect(page.locator("#video-render")).to_be_disabled()

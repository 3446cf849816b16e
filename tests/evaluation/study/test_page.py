"""The page in Chromium: from a file without a server, and from the server that collects answers."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn
from fastapi.testclient import TestClient

from diffstyle import InputError
from diffstyle.evaluation.study.serve import LARGEST, study_app
from diffstyle.evaluation.study.study import key_path
from diffstyle.evaluation.study.tally import sort_votes
from diffstyle.evaluation.votes import read_votes
from tests.evaluation.study.test_study import answers, make
from tests.helpers.browser import take_screenshots

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def page(browser: Browser) -> Generator[Page, None, None]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


def answer(page: Page, key: str) -> None:
    """Press a key, and wait until the next question is there."""
    before = page.locator("#progress").inner_text()
    page.keyboard.press(key)
    page.wait_for_function("before => document.getElementById('progress').textContent !== before", arg=before)


def test_a_judge_answers_from_a_file_and_loses_nothing(tmp_path: Path, page: Page) -> None:
    from playwright.sync_api import expect

    study, key, _ = make(tmp_path, questions=("keep", "style"), per_judge=4)
    address = f"{(tmp_path / 'study' / 'index.html').as_uri()}?judge=ann"
    page.goto(address)
    expect(page.locator("#amount")).to_contain_text("6 questions")
    page.locator("#agree").click()
    expect(page.locator("#progress")).to_have_text("1 / 6")
    page.wait_for_function("[...document.images].filter((i) => i.src).every((i) => i.complete && i.naturalWidth)")
    take_screenshots(page, "study")
    page.set_viewport_size({"width": 1280, "height": 900})
    assert page.evaluate("document.documentElement.scrollHeight") <= 900  # nothing to scroll on a desktop
    first = [page.locator(f"#{side}").get_attribute("src") for side in ("a", "b")]
    page.keyboard.press("z")
    expect(page.locator("#zoom img")).to_have_attribute("src", first[0] or "")
    page.keyboard.press("4")
    expect(page.locator("#zoom img")).to_have_attribute("src", first[1] or "")
    page.keyboard.press("ArrowLeft")  # moves the enlarged picture, and answers nothing
    page.keyboard.press("Escape")
    expect(page.locator("#progress")).to_have_text("1 / 6")
    answer(page, "ArrowLeft")
    answer(page, "ArrowRight")
    page.reload()  # the tab was closed
    expect(page.locator("#progress")).to_have_text("3 / 6")
    answer(page, "Backspace")
    answer(page, " ")
    for key_name in ("ArrowLeft", "ArrowRight", "ArrowLeft"):
        answer(page, key_name)
    page.locator("[data-choice=b]").click()
    expect(page.locator("#end")).to_be_visible()
    for button, suffix in (("csv", ".csv"), ("json", ".json")):
        with page.expect_download() as event:
            page.locator(f"#{button}").click()
        assert event.value.suggested_filename == f"answers-ann{suffix}"
        event.value.save_as(tmp_path / f"answers{suffix}")
    votes = read_votes([tmp_path / "answers.csv"])
    assert votes == read_votes([tmp_path / "answers.json"])
    assert [v.choice for v in votes] == ["a", "same", "a", "b", "a", "b"]
    assert {v.judge for v in votes} == {"ann"}
    assert f"pictures/{votes[0].a}.jpg" == first[0]
    assert all(v.a_sha256 == study.sha256[v.a] for v in votes)
    asked = [v for v in votes if not v.pair.startswith("check")]
    assert len(asked) == 4  # and two attention checks
    assert key_path(tmp_path / "study").is_file()
    assert sort_votes(votes, key, allowed_misses=2).judges == ("ann",)
    page.goto(address.replace("ann", "bob"))
    expect(page.locator("#start")).to_be_visible()
    page.goto(address)
    expect(page.locator("#end")).to_be_visible()  # another judge in the same browser changed nothing


def test_sides_and_order_differ_among_judges(tmp_path: Path, page: Page) -> None:
    study, _, _ = make(tmp_path, checks=0)
    seen: set[tuple[str, ...]] = set()
    sides: list[bool] = []
    named = {item.pair: item.a for item in study.items}
    for n in range(8):
        page.goto(f"{(tmp_path / 'study' / 'index.html').as_uri()}?judge=j{n}")
        order: list[dict[str, str]] = page.evaluate("items.map((item) => ({ pair: item.pair, a: item.a }))")
        seen.add(tuple(item["pair"] for item in order))
        sides += [item["a"] == named[item["pair"]] for item in order]
    assert len(seen) > 2
    assert 4 <= sum(sides) <= 20  # of 24


def test_the_server_takes_long_names_and_checks_its_file(tmp_path: Path) -> None:
    question = "Which one? " * 40
    study, key, _ = make(tmp_path, questions=(question,))
    folder, path = tmp_path / "study", tmp_path / "answers.csv"
    sent = [
        asdict(v) | {"a_sha256": study.sha256[v.a], "b_sha256": study.sha256[v.b]}
        for v in answers(study, key, "j", None)
    ]
    client = TestClient(study_app(folder, path, names=["study.example"]), base_url="http://study.example")
    with ThreadPoolExecutor(8) as pool:
        posts = [pool.submit(client.post, "/answers", json={"answers": sent}) for _ in range(16)]
        replies = [post.result().status_code for post in posts]
    assert replies == [200] * 16
    assert len(read_votes([path])) == 16 * len(sent)
    assert client.get("/pictures/..%2f..%2fstudy.key.json").status_code == 404
    path.write_text("no answers")
    with pytest.raises(InputError, match="votes have the columns"):
        study_app(folder, path)
    assert path.read_text() == "no answers"


@pytest.fixture
def served(tmp_path: Path) -> Generator[str, None, None]:
    make(tmp_path)
    server = uvicorn.Server(
        uvicorn.Config(study_app(tmp_path / "study", tmp_path / "answers.csv"), port=0, log_level="error")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_the_server_collects_answers(served: str, tmp_path: Path, page: Page) -> None:
    from playwright.sync_api import expect

    page.goto(served)
    page.locator("#agree").click()
    for _ in range(4):
        answer(page, "ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#done")).to_contain_text("5 answers are saved")
    votes = read_votes([tmp_path / "answers.csv"])
    assert [v.choice for v in votes] == ["b"] * 5
    good = {k: getattr(votes[0], k) for k in votes[0].__slots__}
    for change in (
        {"pair": "other"},
        {"a": "unknown"},
        {"choice": "left"},
        {"judge": "<b>"},
        {"a_sha256": "0"},
        {"x": "y"},
    ):
        reply = page.request.post(f"{served}/answers", data={"answers": [good | change]})
        assert reply.status == 422, change
    large = page.request.post(
        f"{served}/answers", data=" " * (LARGEST + 1), headers={"Content-Type": "application/json"}
    )
    assert large.status == 413
    plain = page.request.post(f"{served}/answers", data='{"answers": []}', headers={"Content-Type": "text/plain"})
    assert plain.status == 415
    for name in ("evil.example", "127.0.0.1.evil.example"):
        assert page.request.get(served, headers={"Host": name}).status == 403  # DNS rebinding
    assert page.request.get(served, headers={"Origin": "https://evil.example"}).status == 403
    assert page.request.get(f"{served}/study.json").status == 404
    assert page.request.get(f"{served}/pictures/../study.json").status == 404
    assert len(read_votes([tmp_path / "answers.csv"])) == 5

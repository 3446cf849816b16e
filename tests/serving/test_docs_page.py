"""`/docs` in a real browser: all of it comes from this server, and its requests carry the key."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import Browser, expect

from tests.helpers.browser import SHOTS
from tests.serving.conftest import KEYS, Api


def test_the_page_works_without_any_other_host(api: Api, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    hosts, wrong = set[str](), list[str]()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.on("response", lambda response: wrong.append(response.url) if response.status >= 400 else None)
    page.on("pageerror", lambda error: wrong.append(error.message))
    page.goto(f"{api.url}/docs")
    edits = page.locator("#operations-OpenAI-edit_v1_images_edits_post")
    edits.locator("button").first.click()
    expect(edits).to_contain_text("How far to go from the photo (0) to the style (1).")
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").fill(KEYS["ada"])
    page.locator(".auth-container button[type=submit]").click()
    page.locator(".btn-done").click()
    models = page.locator("#operations-OpenAI-models_v1_models_get")
    models.locator("button").first.click()
    models.get_by_role("button", name="Try it out").click()
    models.get_by_role("button", name="Execute").click()
    expect(models.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / "docs.png")
    context.close()
    assert hosts - {""} == {urlsplit(api.url).netloc}  # data: has no host
    assert wrong == []


def test_only_the_files_of_the_page_need_no_key(api: Api) -> None:
    script = httpx2.get(f"{api.url}/docs/files/swagger-ui-bundle.js")
    assert (script.status_code, script.headers["content-type"].split(";")[0]) == (200, "text/javascript")
    assert httpx2.get(f"{api.url}/docs/files/nothing.js").status_code == 404
    for away in ("/docs/files/..%2f..%2fmain.py", "/docs/files/%2e%2e/main.py"):
        assert httpx2.get(f"{api.url}{away}").status_code in (401, 404)
    assert httpx2.get(f"{api.url}/docs/files/../../v1/models").status_code == 401

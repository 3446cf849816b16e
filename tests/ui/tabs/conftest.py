"""A fresh page in the browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browser import SIZES
from tests.helpers.serving import ServedPage

WIDTH, HEIGHT = SIZES[-1]


@pytest.fixture
def page(served: ServedPage, browser: Browser) -> Iterator[Page]:
    """A fresh page, which must contact no other server and log no error."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, accept_downloads=True)
    page = context.new_page()
    problems: list[str] = []
    known = (served.address, "data:", "blob:")
    page.on("request", lambda r: problems.append(r.url) if not r.url.startswith(known) else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(served.address)
    expect(page.locator("#words")).to_be_visible()
    yield page
    assert not problems
    context.close()

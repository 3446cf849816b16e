"""Requests a minute of one key: what the window counts, and what a real server answers."""

from __future__ import annotations

import math
import time
from pathlib import Path

import httpx2
import pytest

from diffstyle.serving.rates import Rates, TooMany
from tests.serving.conftest import api_server, upload


def test_no_minute_has_more_requests_than_the_rate() -> None:
    now = 100.0
    rates = Rates(2, {"bob": 1}, clock=lambda: now)

    def sent(user: str) -> int:
        """0 for a request that is accepted, else the seconds until the next one is."""
        try:
            rates.check(user)
        except TooMany as many:
            return many.seconds
        rates.note(user)
        return 0

    assert [sent("ada"), sent("bob")] == [0, 0]
    now = 130.0
    assert [sent("ada"), sent("ada"), sent("bob")] == [0, 30, 30]
    now = 159.5
    assert sent("ada") == 1
    now = 160.0
    assert [sent("ada"), sent("ada"), sent("bob")] == [0, 30, 0]  # 130 and 160 are in the window
    assert [Rates(None).check("ada") for _ in range(3)] == [None] * 3


def test_a_server_refuses_what_is_beyond_the_rate(tmp_path: Path, photo_file: Path) -> None:
    with (
        api_server(tmp_path, "--rate", 2, names={"ada": "ada", "bob": "bob@3"}) as api,
        api.http() as ada,
        api.http("bob") as bob,
    ):

        def preview(http: httpx2.Client, prompt: str = "oil painting") -> httpx2.Response:
            form = {"prompt": prompt, "size": "64", "engine": "adain"}
            return http.post("/v1/preview", data=form, files={"image": upload(photo_file)})

        began = time.monotonic()
        assert [preview(ada).status_code, preview(ada, "").status_code] == [200, 400]  # broken ones count
        refused = preview(ada)
        passed = time.monotonic() - began
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        wait = int(refused.headers["retry-after"])
        assert math.ceil(60 - passed) <= wait <= 60
        assert f"2 requests a minute: try again in {wait} seconds" in refused.json()["error"]["message"]
        assert [preview(bob).status_code for _ in range(4)] == [200, 200, 200, 429]
        for free in ("/v1/models", "/v1/styles", "/v1/styles/neon", "/v1/jobs"):  # nothing is painted or searched
            assert ada.get(free).status_code in (200, 404)
        assert ada.get("/v1/styles", params={"q": "neon"}).status_code == 429


@pytest.mark.long
def test_what_is_sent_again_after_retry_after_is_accepted(tmp_path: Path) -> None:
    with api_server(tmp_path, "--rate", 1) as api, api.http() as http:
        assert http.get("/v1/styles", params={"q": "neon"}).status_code == 200
        refused = http.get("/v1/styles", params={"q": "neon"})
        time.sleep(int(refused.headers["retry-after"]))
        assert http.get("/v1/styles", params={"q": "neon"}).status_code == 200

"""The application in this process: errors that nobody foresaw, and renders that take too long."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Generator
from pathlib import Path

import httpx2
import pytest

from diffstyle.core.model_options import ModelOptions
from diffstyle.serving.api_keys import ApiKeys
from diffstyle.serving.application import application
from diffstyle.serving.json_logs import LOG, JsonFormatter
from diffstyle.serving.limits import ServerLimits
from diffstyle.serving.service import open_service
from diffstyle.serving.style_routes import StyleRoutes
from tests.helpers.asynchronous import run_async
from tests.serving.conftest import upload


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Generator[io.StringIO, None, None]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    monkeypatch.setattr(LOG, "handlers", [handler])
    monkeypatch.setattr(LOG, "propagate", False)
    LOG.setLevel(logging.INFO)
    yield stream
    LOG.setLevel(logging.NOTSET)


def test_a_render_that_takes_too_long_is_stopped(photo_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(photo_file.parent))
    slow = {"prompt": "crayon", "engine": "nnst", "refine_steps": "200", "size": "512"}

    async def post() -> httpx2.Response:
        transport = httpx2.ASGITransport(application(service))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
            return await client.post("/v1/images/edits", data=slow, files={"image": upload(photo_file)})

    with open_service(ModelOptions(), ServerLimits(max_seconds=1), ApiKeys({}), per_key=None) as service:
        answer = run_async(post())
        assert service.renders.idle
    assert answer.status_code == 400
    assert "stopped after 1 seconds" in answer.json()["error"]["message"]


def test_a_stream_that_waits_is_kept_alive(photo_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(photo_file.parent))
    monkeypatch.setattr("diffstyle.serving.edit_events.ALIVE_SECONDS", 0.05)
    fields = {"prompt": "crayon", "engine": "adain", "stream": "true"}

    async def post() -> str:
        transport = httpx2.ASGITransport(application(service))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
            ticket = service.renders.enter("another")
            async with ticket.turn():
                sent = client.post("/v1/images/edits", data=fields, files={"image": upload(photo_file)})
                answer = asyncio.ensure_future(sent)
                await asyncio.sleep(0.5)
            return (await answer).text

    with open_service(ModelOptions(), ServerLimits(), ApiKeys({}), per_key=None) as service:
        said = run_async(post())
    assert said.startswith(": waiting\n\n")
    assert said.count("event: image_edit.completed\n") == 1


def test_an_unexpected_error(monkeypatch: pytest.MonkeyPatch, log: io.StringIO, tmp_path: Path) -> None:
    def fail(_: StyleRoutes, name: str) -> None:
        raise RuntimeError(f"a secret about {name}")

    async def get() -> httpx2.Response:
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/v1/styles/neon")

    monkeypatch.setattr(StyleRoutes, "_find", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_service(ModelOptions(), ServerLimits(), ApiKeys({}), per_key=None) as service:
        app = application(service)
        answer = run_async(get())
        assert b'status="500"' in service.metrics.text()
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "secret" not in answer.text + log.getvalue()
    first, second = map(json.loads, log.getvalue().splitlines())
    assert (first["event"], first["error"], first["level"]) == ("unexpected error", "RuntimeError", "error")
    assert any("test_application.py" in place for place in first["trace"])
    assert (second["event"], second["status"]) == ("request", 500)

"""Requests to a served page through `gradio_client`, and without it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from tests.helpers.serving import ServedPage


def connect(page: ServedPage, auth: tuple[str, str] | None = None) -> Client:
    """A client with a session of its own."""
    return Client(page.address, verbose=False, download_files=str(page.folder / "fetched"), auth=auth)


def ask(client: Client, name: str, /, **parameters: Any) -> Any:
    """What the endpoint /`name` answers."""
    return client.predict(api_name=f"/{name}", **parameters)


def refusal(client: Client, name: str, /, **parameters: Any) -> str:
    """The error message with which the endpoint refuses: one sentence, no traceback."""
    with pytest.raises(AppError) as caught:
        ask(client, name, **parameters)
    sentence = str(caught.value)
    assert sentence.rstrip().endswith(".")
    assert "Traceback" not in sentence
    assert "\n" not in sentence
    return sentence


def accepts(page: ServedPage, name: str, body: dict[str, Any]) -> bool:
    """Whether an endpoint accepts a request that `gradio_client` would not send."""
    with httpx.Client(base_url=page.address, timeout=60) as http:
        asked = http.post(f"/gradio_api/call/{name}", json=body)
        if asked.status_code != 200:
            return False
        with http.stream("GET", f"/gradio_api/call/{name}/{asked.json()['event_id']}") as stream:
            return "event: complete" in "".join(stream.iter_text())

"""One HTTP server, with keys, that most tests share; and a client for it."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from tests.helpers.serving import ServedPage, serving

KEYS = {"ada": "ada-has-a-long-key", "bob": "bob-has-a-long-key"}


@dataclass(frozen=True, slots=True)
class Api:
    """A running server, and requests to it as Ada sends them."""

    page: ServedPage

    @property
    def url(self) -> str:
        return self.page.address.rstrip("/")

    def client(self, user: str = "ada") -> OpenAI:
        return OpenAI(base_url=f"{self.url}/v1", api_key=KEYS[user], max_retries=0)

    def http(self, user: str = "ada") -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {KEYS[user]}"}, timeout=60)

    def metric(self, line: str) -> float:
        """The value of a metric, by the start of its line; 0 if it is not there yet."""
        text = httpx2.get(f"{self.url}/metrics").text
        found = [row.rsplit(" ", 1)[1] for row in text.splitlines() if row.startswith(line)]
        return float(found[0]) if found else 0.0


@contextmanager
def api_server(
    folder: Path, *options: object, ready: bool = True, names: Mapping[str, str] | None = None
) -> Generator[Api, None, None]:
    """A server with the keys of Ada and Bob, called `names` in the file of keys; its models are loaded, if it is to be
    `ready`.
    """
    keys = folder / "keys"
    keys.write_text(
        "# who may paint\n" + "".join(f"{(names or {}).get(name, name)}:{key}\n" for name, key in KEYS.items())
    )
    with serving(folder, "--port", 0, "--api-keys", keys, *options, command="serve") as page:
        api = Api(page)
        until(lambda: not ready or httpx2.get(f"{api.url}/readyz").status_code == 200, seconds=60)
        yield api


def upload(path: Path) -> tuple[str, bytes]:
    """A file as a form sends it."""
    return path.name, path.read_bytes()


def submitted(http: httpx2.Client, photo: Path, **fields: str) -> str:
    """The id of a new job."""
    answer = http.post("/v1/jobs", data={"prompt": "neon", **fields}, files={"image": upload(photo)})
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/jobs/{answer.json()['id']}"
    return str(answer.json()["id"])


def job_state(http: httpx2.Client, job: str) -> dict[str, Any]:
    return dict(http.get(f"/v1/jobs/{job}").json())


def until(condition: object, *, seconds: float = 20) -> None:
    """Wait until a condition, a function, holds."""
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Generator[Api, None, None]:
    """The server that tests share which leave it as it is."""
    folder = tmp_path_factory.mktemp("api")
    with api_server(folder, "--jobs", folder / "jobs", "--max-upload-mb", 2, "--max-pixels", 400_000) as found:
        yield found

"""Many requests at once: turns, refusals, clients that leave, metrics, and servers that are killed and stopped."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
from openai.types import ImagesResponse
from PIL import Image

from diffstyle import Picture
from tests.serving.conftest import KEYS, Api, api_server, job_state, submitted, until

DEPTH, RUNNING = 'diffstyle_queue_depth{queue="renders"}', 'diffstyle_running{queue="renders"}'
CANCELLED = 'diffstyle_renders_total{engine="nnst",outcome="cancelled"}'
LONG, SHORT = 200, 8  # steps of refinement: many seconds, and about one


@dataclass(frozen=True, slots=True)
class Killed:
    """A server that was started again after another one was killed: the job that was finished, its picture, and the
    jobs that were not.
    """

    api: Api
    done: str
    picture: bytes
    left: tuple[str, str]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory, photo: Picture) -> Generator[Killed, None, None]:
    """A server in which one request may run and two may wait, two of each key."""
    folder = tmp_path_factory.mktemp("killed")
    file = folder / "photo.png"
    photo.to_pil().save(file)
    options = ("--jobs", folder / "jobs", "--queue-size", 2, "--max-per-key", 2, "--drain-seconds", 30)
    with api_server(folder, *options, ready=False) as api, api.http() as http:
        done = submitted(http, file, engine="adain")
        until(lambda: job_state(http, done)["status"] == "done")
        picture = http.get(f"/v1/jobs/{done}/result").content
        left = (submitted(http, file, engine="nnst", refine_steps="10"), submitted(http, file))
        until(lambda: job_state(http, left[0]).get("steps", {}).get("done", 0) > 0)
        api.page.process.kill()
        api.page.process.wait()
    (folder / "jobs" / ".new-half").mkdir()
    with api_server(folder, *options) as api:
        yield Killed(api, done, picture, left)


@pytest.fixture(scope="module")
def small(killed: Killed) -> Api:
    return killed.api


@pytest.fixture
def threads() -> Generator[ThreadPoolExecutor, None, None]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def edit(api: Api, user: str, photo: Path, steps: int, *, timeout: float = 60) -> ImagesResponse:
    client = api.client(user).with_options(timeout=timeout)
    own = {"engine": "nnst", "refine_steps": steps}
    side = 512 if steps == LONG else 256
    return client.images.edit(image=photo, prompt="crayon", size=f"{side}x{side}", extra_body=own)


def test_jobs_survive_a_killed_server(killed: Killed) -> None:
    with killed.api.http() as http:
        assert http.get(f"/v1/jobs/{killed.done}/result").content == killed.picture
        for job in killed.left:
            until(lambda job=job: job_state(http, job)["status"] == "done")
            assert Image.open(BytesIO(http.get(f"/v1/jobs/{job}/result").content)).size == (232, 152)
    assert not (killed.api.page.folder / "jobs" / ".new-half").exists()


def test_a_client_that_leaves_is_not_painted_for(small: Api, photo_file: Path, threads: ThreadPoolExecutor) -> None:
    before = small.metric(CANCELLED)
    running = threads.submit(edit, small, "ada", photo_file, LONG, timeout=2.5)
    until(lambda: small.metric(RUNNING) == 1)
    waiting = threads.submit(edit, small, "bob", photo_file, LONG, timeout=1)
    until(lambda: small.metric(DEPTH) == 1)
    until(lambda: small.metric(DEPTH) == 0, seconds=3)
    assert small.metric(RUNNING) == 1
    until(lambda: small.metric(RUNNING) == 0, seconds=6)
    for gone in (running, waiting):
        with pytest.raises(openai.APITimeoutError):
            gone.result()
    assert small.metric(CANCELLED) == before + 2
    until(lambda: '"status": 499' in (small.page.folder / "log.txt").read_text())
    began = time.monotonic()
    assert edit(small, "ada", photo_file, 0).data  # the model is free
    assert time.monotonic() - began < 8


def test_a_stream_that_is_left_is_cancelled(small: Api, photo_file: Path) -> None:
    before = small.metric(CANCELLED)
    own = {"engine": "nnst", "refine_steps": 40}
    with small.client().images.edit(
        image=photo_file, prompt="crayon", size="384x384", stream=True, partial_images=3, extra_body=own
    ) as events:
        assert next(iter(events)).type == "image_edit.partial_image"
    until(lambda: small.metric(RUNNING) == 0, seconds=4)
    assert small.metric(CANCELLED) == before + 1


def test_keys_take_turns_and_what_is_too_much_is_refused(
    small: Api, photo_file: Path, threads: ThreadPoolExecutor
) -> None:
    order: list[str] = []

    def send(user: str, name: str) -> Future[ImagesResponse]:
        depth = small.metric(DEPTH) + small.metric(RUNNING)
        future = threads.submit(edit, small, user, photo_file, SHORT)
        future.add_done_callback(lambda _: order.append(name))
        until(lambda: small.metric(DEPTH) + small.metric(RUNNING) == depth + 1, seconds=5)
        return future

    sent = [send("ada", "ada 1"), send("ada", "ada 2")]
    with pytest.raises(openai.RateLimitError) as own:
        edit(small, "ada", photo_file, 0)
    assert "one key" in own.value.message
    sent.append(send("bob", "bob 1"))
    with pytest.raises(openai.RateLimitError) as full:
        edit(small, "bob", photo_file, 0)
    assert "queue is full" in full.value.message
    assert 1 <= int(full.value.response.headers["retry-after"]) <= 120
    assert full.value.code == "rate_limit_exceeded"
    for future in sent:
        assert future.result().data
    assert order == ["ada 1", "bob 1", "ada 2"]


def test_metrics_say_what_was_done(small: Api) -> None:
    with small.http() as http:
        http.get("/v1/models")
    assert small.metric('diffstyle_requests_total{method="GET",route="/v1/models",status="200"}') >= 1
    assert small.metric('diffstyle_requests_total{method="POST",route="/v1/images/edits",status="429"}') >= 2
    for phase in ("wait", "prepare", "render", "encode"):
        assert small.metric(f'diffstyle_phase_seconds_count{{engine="nnst",phase="{phase}"}}') >= 3
    assert small.metric('diffstyle_phase_seconds_sum{engine="nnst",phase="wait"}') > 0
    assert small.metric("process_resident_memory_bytes") > 1e8
    assert small.metric("diffstyle_ready") == 1


def test_a_stopped_server_ends_what_it_has_begun(small: Api, photo_file: Path, threads: ThreadPoolExecutor) -> None:
    running = threads.submit(edit, small, "ada", photo_file, SHORT)
    until(lambda: small.metric(RUNNING) == 1)
    waiting = threads.submit(edit, small, "bob", photo_file, 0)
    until(lambda: small.metric(DEPTH) == 1)
    small.page.process.send_signal(signal.SIGTERM)
    until(lambda: httpx2.get(f"{small.url}/readyz").status_code == 503, seconds=3)
    assert httpx2.get(f"{small.url}/healthz").status_code == 200
    with pytest.raises(openai.InternalServerError) as refused:
        edit(small, "ada", photo_file, 0)
    assert refused.value.status_code == 503
    assert refused.value.response.headers["retry-after"]
    assert running.result().data
    assert waiting.result().data
    assert small.page.process.wait(timeout=10) == 0
    log = (small.page.folder / "log.txt").read_text()
    assert '"event": "stopped"' in log
    assert "unexpected" not in log
    assert "Traceback" not in log


def test_an_upload_that_does_not_end_does_not_keep_the_server(tmp_path: Path) -> None:
    with api_server(tmp_path, "--drain-seconds", 1) as api:
        address = urlsplit(api.url)
        with socket.create_connection((address.hostname or "", address.port or 0)) as slow:
            head = f"POST /v1/preview HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {KEYS['ada']}\r\n"
            form = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n--x"
            slow.sendall((head + form).encode())
            until(lambda: api.metric('diffstyle_queue_depth{queue="lookups"}') == 1)
            api.page.process.send_signal(signal.SIGTERM)
            assert api.page.process.wait(timeout=15) == 0

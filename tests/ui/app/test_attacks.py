"""A running server, attacked: foreign files, names and origins, routes past the queue, wrong passwords."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from diffstyle_ui.app.context import PREFIX
from gradio_client import Client, handle_file
from PIL import Image

from diffstyle.serving.folders import LOCK, own_folder, sweep
from diffstyle.serving.hosts import allowed_host, allowed_origin
from tests.helpers.page_client import ask, refusal
from tests.helpers.pictures import waves
from tests.helpers.serving import ServedPage, serving

NAMED = (
    "preview",
    "render",
    "variations",
    "replay",
    "paint",
    "path",
    "recipe",
    "nearest",
    "train",
    "distil",
    "vote",
    "cancel",
)


FILES = ("image", "file", "json", "uploadbutton")
STANDING_IN: dict[str, Any] = {"slider": 1, "textbox": "neon", "checkbox": False, "number": 0, "dropdown": "neon"}


@pytest.fixture
def http(served: ServedPage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.address, timeout=60) as client:
        yield client


def answers(http: httpx.Client, name: str, data: list[Any], session: str | None = None) -> str:
    """All that a server says to a request of /call; parameters that are not given have their defaults."""
    parameters = http.get("/gradio_api/info").json()["named_endpoints"][f"/{name}"]["parameters"]
    data = [*data, *(p.get("parameter_default") for p in parameters[len(data) :])]
    body = {"data": data} | ({"session_hash": session} if session else {})
    asked = http.post(f"/gradio_api/call/{name}", json=body)
    if asked.status_code != 200:
        return asked.text
    with http.stream("GET", f"/gradio_api/call/{name}/{asked.json()['event_id']}") as stream:
        return "".join(stream.iter_text())


def test_no_endpoint_reads_a_foreign_file(served: ServedPage, http: httpx.Client) -> None:
    secret = served.folder / "secret.png"
    Image.fromarray(waves(64, 48)).save(secret)
    link = served.temporary / "link.png"
    link.symlink_to(secret)
    config = http.get("/config").json()
    tried = 0
    for path in (secret, link, served.folder / "missing.png"):
        for file in ({"path": str(path)}, {"path": str(path), "meta": {"_type": "gradio.FileData"}}):
            for dependency in config["dependencies"]:
                kinds = {c["id"]: c["type"] for c in config["components"]}
                data: list[Any] = [
                    file if kinds.get(i) in FILES else STANDING_IN.get(kinds.get(i, "")) for i in dependency["inputs"]
                ]
                if not any(kinds.get(i) in FILES for i in dependency["inputs"]):
                    continue
                body = {"data": data, "fn_index": dependency["id"], "session_hash": "attacker"}
                tried += 1
                for route in ("/gradio_api/run/predict", "/gradio_api/api/predict", "/gradio_api/queue/join"):
                    assert secret.name not in http.post(route, json=body).text.replace(str(secret), "")
            for name, data in (
                *[(n, [file, ["neon"], []]) for n in ("preview", "render", "variations")],
                *[("replay", [file, file]), ("paint", [file, file, "neon"]), ("path", [file, "neon", "klimt-gold"])],
                *[("recipe", [file]), ("nearest", [["neon"], 3]), ("train", [[file] * 3, "mine"])],
                *[("distil", [["neon"], "mine", [], [file]]), ("distil", [[], "mine", [file], []])],
            ):
                said = answers(http, name, data)
                if name != "nearest":
                    assert "event: complete" not in said, f"{name} read {path}"
    assert tried > 10
    link.unlink()


def test_an_upload_belongs_to_who_sent_it(http: httpx.Client, served: ServedPage, tmp_path: Path) -> None:
    photo_file = tmp_path / "mine.png"  # Gradio names equal files alike, and others upload the usual photo
    Image.fromarray(waves(72, 56, seed=77)).save(photo_file)
    page = http.get("/")
    assert "diffstyle_visitor" in page.cookies
    with photo_file.open("rb") as file:
        path = http.post("/gradio_api/upload", files={"files": file}).json()[0]
    upload = {"path": path, "meta": {"_type": "gradio.FileData"}}
    assert "event: complete" in answers(http, "preview", [upload, ["neon"], []])
    with httpx.Client(base_url=served.address, timeout=60) as other:
        assert "event: complete" not in answers(other, "preview", [upload, ["neon"], []])
        other.get("/")
        assert "event: complete" not in answers(other, "preview", [upload, ["neon"], []])


ROUTES = (
    *("/", "/config", "/gradio_api/info", "/gradio_api/upload", "/gradio_api/call/styles", "/gradio_api/queue/join"),
    *("/gradio_api/file=/etc/passwd", "/gradio_api/run/cancel", "/login", "/theme.css", "/gradio_api/heartbeat/a"),
)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_foreign_names_and_origins_are_refused_on_every_route(method: str, http: httpx.Client) -> None:
    for route in ROUTES:
        for headers in (
            {"Host": "evil.example"},
            {"Host": "evil.example:7860"},
            {"Host": ""},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        ):
            assert http.request(method, route, headers=headers).status_code in (400, 403), (method, route, headers)


def test_every_answer_forbids_guessing_its_type(http: httpx.Client) -> None:
    for route in ("/", "/config", "/theme.css", "/nothing", "/gradio_api/file=/etc/passwd", "/gradio_api/vibe-edit"):
        answer = http.get(route)
        assert answer.headers["x-content-type-options"] == "nosniff", route
    for route in ("/gradio_api/proxy=http://127.0.0.1/", "/gradio_api/dev/reload", "/monitoring", "/gradio_api/runs"):
        assert http.get(route).status_code in (401, 404)


def test_nothing_passes_by_the_queue(http: httpx.Client, photo_file: Path) -> None:
    http.get("/")
    with photo_file.open("rb") as file:
        path = http.post("/gradio_api/upload", files={"files": file}).json()[0]
    body = {"data": [{"path": path}, ["neon"], []]}

    def status(_: int) -> int:
        return http.post("/gradio_api/run/render", json=body).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(status, range(8))) <= {404, 500, 503}


def test_hosts_and_origins() -> None:
    for good in (
        "localhost",
        "LOCALHOST:7860",
        "127.0.0.1:80",
        "[::1]:7860",
        "192.168.1.5",
        "my.example",
        "a.localhost",
    ):
        assert allowed_host(good, ["my.example"]), good
    for bad in (
        "",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "[",
        "a b",
        "my.example.evil",
        "evil.example@127.0.0.1",
    ):
        assert not allowed_host(bad, ["my.example"]), bad
    assert allowed_origin(None, "localhost:1", [])
    assert allowed_origin("http://localhost:1", "localhost:1", [])
    assert allowed_origin("https://my.example", "127.0.0.1:7860", ["my.example"])
    for bad in ("null", "", "http://localhost:2", "file://", "http://evil.example", "http://[", "chrome-extension://x"):
        assert not allowed_origin(bad, "localhost:1", ["my.example"]), bad


def test_folders_of_killed_servers_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, foreign, linked = (tmp_path / f"{PREFIX}{name}" for name in ("left", "foreign", "linked"))
    for folder in (left, foreign):
        folder.mkdir()
        (folder / "upload.png").write_bytes(b"x")
    (left / LOCK).touch()
    linked.symlink_to(left)
    with own_folder(PREFIX) as running:
        assert not left.exists()
        assert foreign.exists()  # nothing says that a server made it
        sweep(PREFIX)
        assert running.exists()
    assert not running.exists()


def test_a_picture_beyond_the_limits_is_refused(client: Client, photo_file: Path) -> None:
    photo = handle_file(photo_file)
    assert "million" in refusal(client, "render", photo=photo, style=["neon"], size=2000)
    assert "million" in refusal(client, "render", photo=photo, style=["neon"], stroke=0.1)


@pytest.mark.long
def test_cancel_stops_within_half_a_second_and_slow_renders_stop(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (3000, 4000, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "big.jpg", quality=60)
    with serving(tmp_path, "--max-seconds", 6) as page:
        client = Client(page.address, verbose=False, download_files=str(tmp_path / "fetched"))
        photo = handle_file(tmp_path / "big.jpg")
        for engine in ("adain", "nnst"):
            job = client.submit(
                photo=handle_file(tmp_path / "big.jpg"), style=["neon"], engine=engine, api_name="/render"
            )
            time.sleep(3)
            began = time.monotonic()
            ask(client, "cancel")
            with pytest.raises(Exception, match="cancelled"):
                job.result(timeout=30)
            assert time.monotonic() - began < 1.5  # 0.5 s, and what gradio_client takes
        began = time.monotonic()
        assert "6 seconds" in refusal(client, "render", photo=photo, style=["neon"], smooth=1)
        assert time.monotonic() - began < 20
        client.close()


@pytest.mark.long
def test_wrong_passwords_are_slowed_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFFSTYLE_AUTH", "ada:secret-word")
    with serving(tmp_path) as page:
        shown = Path(f"/proc/{page.process.pid}/cmdline")
        assert not shown.exists() or b"secret-word" not in shown.read_bytes()

        def attempt(word: str) -> int:
            return httpx.post(
                f"{page.address}login", data={"username": "ada", "password": word}, timeout=60
            ).status_code

        began = time.monotonic()
        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(attempt, ["a", "b", "c", "d"])) == {400}
        assert time.monotonic() - began > 3  # 0.5 + 1 + 2 s, one after the other
        assert httpx.get(f"{page.address}config").status_code == 401
        assert attempt("secret-word") == 200

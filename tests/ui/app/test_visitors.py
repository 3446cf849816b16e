"""What a visitor can do to others, and to the server: a running one, asked by HTTP as pages and attackers do."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image

from tests.helpers.pictures import waves
from tests.helpers.serving import ServedPage, serving

UPLOAD_MB, VISITOR_MB, QUEUE_SIZE = 2, 5, 16
LIMITS = ("--max-upload-mb", UPLOAD_MB, "--max-visitor-mb", VISITOR_MB, "--queue-size", QUEUE_SIZE)
SIZES = {"small": (320, 240), "large": (4000, 3000)}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPage]:
    with serving(tmp_path_factory.mktemp("visitors"), *LIMITS) as page:
        yield page
        while Visitor.opened:
            Visitor.opened.pop().close()
    left = [path for path in page.temporary.rglob("*") if path.name not in (".running",)]
    assert not left, "the server has left files or folders behind"


class Visitor:
    """A browser with a cookie of its own, at an address of its own."""

    numbers: ClassVar = iter(range(1, 250))
    opened: ClassVar[list[httpx.Client]] = []

    def __init__(self, page: ServedPage, *, cookie: bool = True) -> None:
        address = {"X-Forwarded-For": f"10.0.0.{next(self.numbers)}"}
        self.http = httpx.Client(base_url=page.address, timeout=60, headers=address)
        self.opened.append(self.http)
        self.parameters = self.http.get("/gradio_api/info").json()["named_endpoints"]
        self.functions = {d["api_name"]: d["id"] for d in self.http.get("/config").json()["dependencies"]}
        if cookie:
            self.http.get("/")
            assert self.http.cookies

    def upload(self, data: bytes, name: str = "photo.png") -> httpx.Response:
        return self.http.post("/gradio_api/upload", files={"files": (name, data)})

    def photo(self, folder: Path, size: str = "small", seed: int = 0) -> dict[str, Any]:
        Image.fromarray(waves(*SIZES[size], seed=seed)).save(folder / f"{size}.jpg", quality=50)
        path = self.upload((folder / f"{size}.jpg").read_bytes(), f"{size}.jpg").json()[0]
        return {"path": path, "meta": {"_type": "gradio.FileData"}}

    def join(self, name: str, page: str, **given: Any) -> httpx.Response:
        known = self.parameters[f"/{name}"]["parameters"]
        data = [given.get(p["parameter_name"], p.get("parameter_default")) for p in known]
        body = {"data": data, "fn_index": self.functions[name], "session_hash": page}
        return self.http.post("/gradio_api/queue/join", json=body)

    def render(self, page: str, photo: dict[str, Any], engine: str, words: str = "neon") -> httpx.Response:
        return self.join("render", page, photo=photo, style=[words], engine=engine)

    def messages(self, page: str) -> Iterator[dict[str, Any]]:
        """What the queue says until a request is done."""
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": page}) as stream:
            assert stream.status_code == 200
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    message = json.loads(line[5:])
                    yield message
                    if message["msg"] in ("process_completed", "unexpected_error", "close_stream"):
                        return

    def outcome(self, page: str) -> dict[str, Any]:
        *_, last = self.messages(page)
        return last

    def cancel(self, page: str) -> httpx.Response:
        return self.http.post("/gradio_api/run/cancel", json={"data": [], "session_hash": page})


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("adain", "neon"),
        pytest.param("media", "halftone dots", marks=pytest.mark.long),
        pytest.param("nnst", "neon", marks=pytest.mark.long),
    ],
)
def test_a_cancel_in_the_first_moments_counts(page: ServedPage, tmp_path: Path, engine: str, words: str) -> None:
    visitor = Visitor(page)
    photo = visitor.photo(tmp_path, "large")
    for delay in (0.0, 0.3):
        name = f"early-{engine}-{delay}"
        assert visitor.render(name, photo, engine, words).status_code == 200
        began: list[float] = []
        for message in visitor.messages(name):
            if message["msg"] == "process_starts":
                time.sleep(delay)
                began.append(time.monotonic())
                assert visitor.cancel(name).status_code == 200
            if message["msg"] == "process_completed":
                assert "cancelled" in message["output"]["error"]
        assert time.monotonic() - began[0] < 1  # 0.5 s on an idle machine
    name = f"early-{engine}-0.3"  # a later render of the same page is another one
    assert visitor.render(name, visitor.photo(tmp_path), "adain").status_code == 200
    assert visitor.outcome(name)["success"]


def test_waiting_renders_are_cancelled_at_once(page: ServedPage, tmp_path: Path) -> None:
    busy, visitor = Visitor(page), Visitor(page)
    assert busy.render("busy", busy.photo(tmp_path, "large"), "nnst").status_code == 200
    photo = visitor.photo(tmp_path)
    assert visitor.render("waiting", photo, "nnst").status_code == 200
    assert visitor.cancel("waiting").status_code == 200
    began = time.monotonic()
    assert "cancelled" in visitor.outcome("waiting")["output"]["error"]
    assert time.monotonic() - began < 1
    assert busy.cancel("busy").status_code == 200


def test_pages_and_requests_of_others_are_refused(page: ServedPage, tmp_path: Path) -> None:
    owner, photo = (visitor := Visitor(page)), visitor.photo(tmp_path)
    event = owner.render("mine", photo, "adain").json()["event_id"]
    for attacker in (Visitor(page), Visitor(page, cookie=False)):
        http = attacker.http
        for named in ({"session_hash": "mine", "event_id": "x"}, {"session_hash": "mine", "event_id": event}):
            assert http.post("/gradio_api/cancel", json={"fn_index": 1, **named}).status_code == 403
        own = {"session_hash": f"own-{id(attacker)}", "event_id": event, "fn_index": 1}
        assert http.post("/gradio_api/cancel", json=own).status_code == 403
        assert http.post("/gradio_api/reset", json={"event_id": event}).status_code == 403
        assert attacker.cancel("mine").status_code == 403
        assert attacker.join("styles", "mine").status_code == 403
        for route in ("heartbeat/mine", "queue/data?session_hash=mine", f"call/render/{event}"):
            assert http.get(f"/gradio_api/{route}").status_code == 403
    assert owner.outcome("mine")["success"]


def test_files_are_fetched_by_their_owner_alone(page: ServedPage, tmp_path: Path) -> None:
    owner, photo = (visitor := Visitor(page)), visitor.photo(tmp_path, seed=5)
    owner.render("files", photo, "adain")
    result = owner.outcome("files")["output"]["data"][0]["path"]
    for path in (photo["path"], result):
        fetched = owner.http.get(f"/gradio_api/file={path}")
        assert fetched.status_code == 200
        assert fetched.headers["cache-control"] == "private, no-store"
        for other in (Visitor(page), Visitor(page, cookie=False)):
            assert other.http.get(f"/gradio_api/file={path}").status_code == 403
    lock = next(page.temporary.glob("diffstyle-ui-*/.running"))
    for path in (lock, "/etc/passwd", "http://127.0.0.1/", "a" * 5000, "a%00b"):
        assert owner.http.get(f"/gradio_api/file={path}").status_code == 403


def test_one_visitor_does_not_fill_the_queue(page: ServedPage, tmp_path: Path) -> None:
    crowd, other = Visitor(page), Visitor(page)
    photo = crowd.photo(tmp_path, "large")
    statuses = Counter(crowd.render(f"crowd-{n}", photo, "nnst").status_code for n in range(2 * QUEUE_SIZE))
    assert statuses[200] <= QUEUE_SIZE // 4 + 1  # and the one that runs
    assert set(statuses) == {200, 503}
    assert "your requests" in crowd.render("more", photo, "nnst").json()["detail"]
    began = time.monotonic()
    assert other.join("styles", "other").status_code == 200
    assert other.outcome("other")["success"]
    assert time.monotonic() - began < 3
    for n in range(QUEUE_SIZE):
        crowd.cancel(f"crowd-{n}")


def test_uploads_have_a_quota_and_leave_nothing_unfinished(page: ServedPage) -> None:
    def files() -> set[Path]:
        return {path for path in page.temporary.rglob("*") if path.is_file()}

    visitor, before = Visitor(page), files()
    cookie = "; ".join(f"{name}={value}" for name, value in visitor.http.cookies.items())
    head = "\r\n".join(
        [
            "POST /gradio_api/upload HTTP/1.1",
            "Host: 127.0.0.1",
            f"Cookie: {cookie}",
            "Content-Type: multipart/form-data; boundary=B",
            "Content-Length: 1900000",
            "",
            '--B\r\nContent-Disposition: form-data; name="files"; filename="x.png"\r\n\r\n',
        ]
    )
    address = urlsplit(page.address)
    with socket.create_connection((str(address.hostname), address.port or 80)) as broken:
        broken.sendall(head.encode() + b"x" * 1_000_000)
        time.sleep(0.5)
        assert files() - before
    for _ in range(50):
        if not files() - before:
            break
        time.sleep(0.1)
    assert not files() - before
    answers = [visitor.upload(bytes([n]) * 1_500_000) for n in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 413]
    assert f"{VISITOR_MB} MB" in answers[-1].json()["detail"]
    assert Visitor(page).upload(b"x" * 1_500_000).status_code == 200
    log = (page.folder / "log.txt").read_text()
    assert "Traceback" not in log
    assert "broke off" in log


def test_bodies_that_fit_no_endpoint_get_a_sentence(page: ServedPage) -> None:
    http = (visitor := Visitor(page)).http
    for name, body in (("render", {"x": 1}), ("render", {}), ("nothing", {})):
        assert http.post(f"/gradio_api/call/v2/{name}", json=body).status_code in (400, 404)
    body = {"data": [1], "fn_index": visitor.functions["render"], "session_hash": "few"}
    http.post("/gradio_api/queue/join", json=body)
    assert "parameters" in visitor.outcome("few")["output"]["error"]
    assert "Traceback" not in (page.folder / "log.txt").read_text()


def test_many_visitors_at_once_get_their_own_pictures(page: ServedPage, tmp_path: Path) -> None:
    lock = threading.Lock()

    def picture(n: int) -> str:
        with lock:
            visitor = Visitor(page)
            photo = visitor.photo(tmp_path, seed=n)
        visitor.render(f"crowd {n}", photo, "adain")
        return str(visitor.outcome(f"crowd {n}")["output"]["data"][0]["path"])

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(picture, range(4)))) == 4

"""One server that the tests of all host plugins share, and others that a plugin must not take for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from diffstyle import Picture
from tests.helpers.serving import serving

MAX_PIXELS, MAX_MB = 400_000, 4


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[str, None, None]:
    """The address of a `diffstyle serve` without keys, which takes small pictures alone."""
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, "--port", 0, "--max-pixels", MAX_PIXELS, "--max-upload-mb", MAX_MB, command="serve") as page:
        yield page.address.rstrip("/")


@contextmanager
def answering(body: object, status: int = 200, *, announced: int | None = None) -> Generator[str, None, None]:
    """The address of a server that answers everything with `body`: JSON, or a string as it is. It may announce more
    bytes than it sends.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            data = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data) if announced is None else announced))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            self.do_GET()

        def log_request(self, code: Any = "-", size: Any = "-") -> None:
            del code, size

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_address[1]}"
        found.shutdown()


@pytest.fixture(scope="session")
def old_server() -> Generator[str, None, None]:
    """The address of a server that says it is diffstyle 0.1.9."""
    with answering({"data": [{"id": "starter", "owned_by": "diffstyle", "version": "0.1.9"}]}) as address:
        yield address


@pytest.fixture(scope="session")
def no_server() -> str:
    """An address that nothing listens at."""
    return "http://127.0.0.1:9"


def png(width: int, height: int, mode: str = "RGB") -> bytes:
    """A PNG with a gradient, whose alpha, if it has one, falls from left to right."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    planes = [x, y, 255 - x, 255 - x][: len(mode)]
    buffer = BytesIO()
    Image.fromarray(np.stack(planes, -1).round().astype(np.uint8), mode).save(buffer, "PNG")
    return buffer.getvalue()


def opened(data: bytes, folder: Path) -> Picture:
    """The picture in the bytes of a file, in full precision."""
    path = folder / "opened.png"
    path.write_bytes(data)
    return Picture.open(path)

"""A page on this machine that shows frames as they are painted: for a camera, where no window can be opened."""

from __future__ import annotations

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.formats.picture_file import encode
from diffstyle.serving.hosts import allowed_host

HOST = "127.0.0.1"
FRAMES = "/frames.mjpg"
_BOUNDARY = "frame"
_WAIT = 1.0  # seconds between two looks whether the page is closed
_PAGE = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>diffstyle live</title>
<meta name="viewport" content="width=device-width">
<style>body {{ margin: 0; background: #161412; height: 100vh; display: grid; place-content: center; }}
img {{ max-width: 100vw; max-height: 100vh; }}</style>
<img src="{FRAMES}" alt="What the camera shows, painted"></html>""".encode()


class LivePage:
    """An output of `paint_live`. Each browser gets the newest frame when it is ready for it; none slows painting."""

    def __init__(self, port: int) -> None:
        """Serve at `port`, 0 for a free one. InputError if that cannot be used."""
        self._changed = Condition()
        self._jpeg, self._count, self._closed = b"", 0, False
        try:
            self._server = _Server((HOST, port), self)
        except (OSError, OverflowError) as error:
            raise InputError(f"Cannot listen at {HOST}, port {port}: choose another one with --port.") from error
        Thread(target=self._server.serve_forever, name="page", daemon=True).start()

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self._server.server_port}/"

    def write(self, picture: Picture, seconds: float) -> None:
        del seconds
        data = encode(picture, "JPEG", "")
        with self._changed:
            self._jpeg, self._count = data, self._count + 1
            self._changed.notify_all()

    def close(self) -> None:
        """Stop serving."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def after(self, count: int) -> tuple[int, bytes] | None:
        """The newest frame and its count, once that is above `count`; None when the page is closed."""
        with self._changed:
            while not self._closed:
                if self._changed.wait_for(lambda: self._count > count or self._closed, _WAIT) and not self._closed:
                    return self._count, self._jpeg
            return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], page: LivePage) -> None:
        self.page = page
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    timeout = 10  # seconds that a browser may take for one frame

    def do_GET(self) -> None:
        if not allowed_host(self.headers.get("Host", ""), ()):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == "/":
            self._send_head("text/html; charset=utf-8", len(_PAGE))
            self.wfile.write(_PAGE)
        elif self.path == FRAMES:
            self._send_head(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
            self._send_frames()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _send_head(self, kind: str, length: int | None = None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("X-Content-Type-Options", "nosniff")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send_frames(self) -> None:
        server: Any = self.server
        count = 0
        try:
            while (found := server.page.after(count)) is not None:
                count, data = found
                head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                self.wfile.write(head.encode() + data + b"\r\n")
        except OSError:  # the browser has gone
            return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Nothing: standard error belongs to the command."""
        del format, args

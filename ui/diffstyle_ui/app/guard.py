"""What every request passes before Gradio sees it: host, origin, routes, cookies, uploads, sign-in."""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from diffstyle_ui.app.hosts import allowed_host, allowed_origin
from diffstyle_ui.app.uploads import Uploads
from diffstyle_ui.app.visitors import COOKIE, Visitors, cookies_of

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LOGIN_SECONDS, LONGEST_LOGIN_SECONDS, FORGIVEN_SECONDS = 0.5, 8.0, 900.0
MAX_ADDRESSES = 10_000
MAX_UPLOAD_ANSWER = 2**20
_UNUSED = (
    *("/proxy=", "/dev/", "/vibe-edit", "/undo-vibe-edit", "/process_recording", "/custom_component/", "/deep_link"),
    *("/runs", "/run-history/", "/monitoring"),
)
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))


class Guard:
    """An ASGI application around another one.

    It refuses foreign hosts and origins and the routes of Gradio that the page does not use, slows down wrong
    passwords, gives every browser a signed cookie, and notes in `uploads` who uploaded what.
    """

    def __init__(self, app: App, *, visitors: Visitors, uploads: Uploads, names: Sequence[str] = ()) -> None:
        self.app, self.visitors, self.uploads, self.names = app, visitors, uploads, tuple(names)
        self._failures: dict[str, tuple[int, float]] = {}  # by address: how many, and when the last one was
        self._signing_in: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {bytes(k).lower(): bytes(v).decode("latin-1") for k, v in scope["headers"]}
        refusal = self._refusal(str(scope["path"]), headers)
        if refusal or scope["type"] == "websocket":  # Gradio needs none
            await _answer(scope, send, *(refusal or (403, "Not available.")))
            return
        address = str((scope.get("client") or ("unknown", 0))[0])
        cookies = cookies_of(headers.get(b"cookie", ""))
        owner = self.visitors.owner(cookies, address)
        path = str(scope["path"]).rstrip("/")
        send = self._with_headers(send, new=None if self.visitors.known(cookies) else self.visitors.new())
        if path.endswith("/login") and scope["method"] == "POST":
            await self._sign_in(address, scope, receive, send)
        elif path.endswith("/upload") and scope["method"] == "POST":
            await self.app(scope, receive, self._noting_uploads(owner, send))
        else:
            await self.app(scope, receive, send)

    def _refusal(self, path: str, headers: dict[bytes, str]) -> tuple[int, str] | None:
        host = headers.get(b"host", "")
        if not allowed_host(host, self.names):
            return 403, "This server does not answer to that name: start it with --allowed-host NAME."
        if not allowed_origin(headers.get(b"origin"), host, self.names):
            return 403, "Requests from other sites are refused."
        across = headers.get(b"sec-fetch-site") == "cross-site" and headers.get(b"sec-fetch-mode") != "navigate"
        if across:
            return 403, "Requests from other sites are refused."
        bare = path.partition("/gradio_api")[2] or path  # below the path of a proxy too
        return (404, "Not found.") if bare.startswith(_UNUSED) else None

    def _with_headers(self, send: Send, *, new: str | None) -> Send:
        """Every answer with security headers, pages with the cookie `new` if the browser has none."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {bytes(k).lower() for k, _ in headers}
                headers += [pair for pair in _HEADERS if pair[0] not in present]
                page = any(k.lower() == b"content-type" and v.startswith(b"text/html") for k, v in headers)
                if new is not None and page:
                    headers.append((b"set-cookie", f"{COOKIE}={new}; Path=/; HttpOnly; SameSite=Lax".encode("ascii")))
                message = {**message, "headers": headers}
            await send(message)

        return sending

    def _noting_uploads(self, owner: str, send: Send) -> Send:
        """Read the paths out of the answer to an upload as it passes."""
        body = bytearray()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.body" and len(body) < MAX_UPLOAD_ANSWER:
                body.extend(message.get("body", b""))
                if not message.get("more_body"):
                    for path in _paths(bytes(body)):
                        self.uploads.add(owner, path)
            await send(message)

        return sending

    async def _sign_in(self, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        """One attempt at a time for each address; each failure doubles the time that the next attempts take."""
        statuses: list[int] = []

        async def sending(message: Message) -> None:
            if "status" in message:
                statuses.append(int(message["status"]))
            await send(message)

        async with self._signing_in[address]:
            count, last = self._failures.get(address, (0, 0.0))
            if time.monotonic() - last > FORGIVEN_SECONDS:
                count = 0
            if count:
                await asyncio.sleep(min(LONGEST_LOGIN_SECONDS, LOGIN_SECONDS * 2 ** min(count - 1, 10)))
            await self.app(scope, receive, sending)
            if 200 in statuses:
                self._failures.pop(address, None)
            elif statuses:
                while len(self._failures) >= MAX_ADDRESSES:
                    oldest = next(iter(self._failures))
                    self._failures.pop(oldest)
                    self._signing_in.pop(oldest, None)
                self._failures[address] = (count + 1, time.monotonic())


def _paths(answer: bytes) -> list[Path]:
    try:
        found: Any = json.loads(answer)
    except ValueError:
        return []
    return [Path(path) for path in found if isinstance(path, str)] if isinstance(found, list) else []  # pyright: ignore


async def _answer(scope: Scope, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    body = text.encode("utf-8")
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

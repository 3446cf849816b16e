"""Requests and answers of ASGI: reading them as they pass, and changing them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias

from starlette.requests import ClientDisconnect

from diffstyle.serving.uploaded_files import Refused
from diffstyle_ui.app.histories import KEEP_SECONDS
from diffstyle_ui.app.visitors import COOKIE

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_NOTED_ANSWER = 2**20
MAX_BODY = 2**25  # bytes of a request that is no upload
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
_PRIVATE = (b"cache-control", b"private, no-store")


def with_headers(send: Send, *, new: str | None, private: bool) -> Send:
    """Every answer with security headers, pages with the cookie `new` if the browser has none, and files of visitors
    with the request not to be kept by caches.
    """

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [(bytes(k), bytes(v)) for k, v in message.get("headers", ())]
            present = {k.lower() for k, _ in headers}
            headers += [pair for pair in _HEADERS if pair[0] not in present]
            if private:
                headers = [*((k, v) for k, v in headers if k.lower() != _PRIVATE[0]), _PRIVATE]
            page = any(k.lower() == b"content-type" and v.startswith(b"text/html") for k, v in headers)
            if new is not None and page:
                kept = f"{COOKIE}={new}; Path=/; Max-Age={KEEP_SECONDS}; HttpOnly; SameSite=Lax"
                headers.append((b"set-cookie", kept.encode("ascii")))
            message = {**message, "headers": headers}
        await send(message)

    return sending


def noting(send: Send, note: Callable[[bytes], None]) -> Send:
    """Show `note` the whole of a short answer before its last part is sent."""
    body = bytearray()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body" and len(body) < MAX_NOTED_ANSWER:
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                note(bytes(body))
        await send(message)

    return sending


async def whole_body(receive: Receive) -> bytes:
    """The body of a request. Raises Refused beyond `MAX_BODY`."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body.extend(message.get("body", b""))
        if len(body) > MAX_BODY:
            raise Refused(413, f"The request is larger than {MAX_BODY >> 20} MB: upload the picture first.")
        if not message.get("more_body"):
            return bytes(body)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Give `body` once more, then what else comes."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return waiting.pop() if waiting else await receive()

    return receiving


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def json_object(text: bytes) -> dict[str, Any]:
    found = _json(text)
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def json_paths(text: bytes) -> list[Path]:
    found = _json(text)
    return [Path(path) for path in found if isinstance(path, str)] if isinstance(found, list) else []  # pyright: ignore


async def answer(send: Send, error: Refused) -> None:
    """As JSON, as Gradio's own refusals are."""
    body = json.dumps({"detail": error.sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

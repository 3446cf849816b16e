"""What every request passes before Gradio sees it: host, origin, routes, cookies, owners, uploads, sign-in."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect

from diffstyle_ui.app.arrival import note_arrival
from diffstyle_ui.app.hosts import allowed_host, allowed_origin
from diffstyle_ui.app.pages import Pages
from diffstyle_ui.app.sessions import Sessions
from diffstyle_ui.app.sign_in import SignIn
from diffstyle_ui.app.upload_parts import temporary_parts
from diffstyle_ui.app.uploads import Refused
from diffstyle_ui.app.visitors import COOKIE, cookies_of
from diffstyle_ui.app.waiting import Waiting

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_NOTED_ANSWER = 2**20
MAX_BODY = 2**25  # bytes of a request that is no upload
IDLE_SECONDS = 60  # after which an upload that sends nothing has broken off
_UNUSED = (
    *("/proxy=", "/dev/", "/vibe-", "/undo-vibe-edit", "/process_recording", "/custom_component/", "/deep_link"),
    *("/runs", "/run-history/", "/monitoring", "/profiling/", "/stream/", "/component_server"),
)
_ACTIONS = ("/queue/join", "/run/", "/api/", "/call/", "/cancel", "/reset")  # POST requests that name a page
_FILES = ("/file=", "/file/")
_FOREIGN = Refused(403, "This belongs to another visitor.")
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
_PRIVATE = (b"cache-control", b"private, no-store")
_log = logging.getLogger("diffstyle_ui")


class Guard:
    """An ASGI application around another one.

    It refuses foreign hosts and origins, the routes of Gradio that the page does not use, and what names the page, the
    request or the file of another visitor. It slows down wrong passwords, gives every browser a signed cookie, and
    limits what is uploaded and what waits. `signed_in` says of the cookies of a request whether they are those of
    somebody who has signed in, where that is needed; Gradio asks on most routes, but not on all.
    """

    def __init__(
        self,
        app: App,
        *,
        sessions: Sessions,
        waiting: Waiting,
        signed_in: Callable[[dict[str, str]], bool],
        names: Sequence[str] = (),
    ) -> None:
        self.app, self.sessions, self.waiting, self.signed_in = app, sessions, waiting, signed_in
        self.visitors, self.uploads, self.names = sessions.visitors, sessions.uploads, tuple(names)
        self.pages, self.sign_in = Pages(), SignIn()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if scope["type"] == "websocket":  # Gradio needs none
            await send({"type": "websocket.close", "code": 1008})
            return
        started: list[int] = []

        async def sending(message: Message) -> None:
            started.extend([int(message["status"])] if "status" in message else [])
            await send(message)

        try:
            await self._admit(scope, receive, sending)
        except Refused as error:
            if not started:
                await _answer(send, error)
        except ClientDisconnect:
            _log.warning("A request to %r broke off.", str(scope["path"])[:80])
        except (KeyError, TypeError, ValueError):  # a body that Gradio cannot read
            if started or "/call/v2/" not in str(scope["path"]):
                raise
            await _answer(send, Refused(400, "The parameters are not those of this endpoint: /info lists them."))

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {bytes(k).lower(): bytes(v).decode("latin-1") for k, v in scope["headers"]}
        path = str(scope["path"])
        bare = path.partition("/gradio_api")[2] or path  # below the path of a proxy too
        self._check_source(bare, headers)
        address = str((scope.get("client") or ("unknown", 0))[0])
        cookies = cookies_of(headers.get(b"cookie", ""))
        visitor = self.visitors.known(cookies)
        owner = self.visitors.owner(cookies, address)
        note_arrival(scope, owner=owner, address=address)
        send = _with_headers(send, new=None if visitor else self.visitors.new(), private=bare.startswith(_FILES))
        posts = scope["method"] == "POST"
        if posts and path.rstrip("/").endswith("/login"):
            await self._sign_in(visitor, address, scope, receive, send)
        elif posts and bare.rstrip("/") == "/upload":
            self._check_signed_in(cookies)
            await self._upload(owner, address, scope, receive, send)
        elif posts and bare.startswith(_ACTIONS):
            self._check_signed_in(cookies)
            await self._act(owner, address, bare, scope, receive, send)
        else:
            if bare.startswith(("/heartbeat/", "/queue/data", "/call/", *_FILES)):
                self._check_signed_in(cookies)
                self._check_owner(owner, bare, scope)
            await self.app(scope, receive, send)

    def _check_source(self, bare: str, headers: dict[bytes, str]) -> None:
        host = headers.get(b"host", "")
        if not allowed_host(host, self.names):
            raise Refused(403, "This server does not answer to that name: start it with --allowed-host NAME.")
        across = headers.get(b"sec-fetch-site") == "cross-site" and headers.get(b"sec-fetch-mode") != "navigate"
        if across or not allowed_origin(headers.get(b"origin"), host, self.names):
            raise Refused(403, "Requests from other sites are refused.")
        if bare.startswith(_UNUSED):
            raise Refused(404, "Not found.")

    def _check_signed_in(self, cookies: dict[str, str]) -> None:
        if not self.signed_in(cookies):
            raise Refused(401, "Sign in first.")

    def _check_owner(self, owner: str, bare: str, scope: Scope) -> None:
        """Raise Refused if the address of a GET request names what is not the owner's."""
        route, _, name = bare.strip("/").partition("/")
        if bare.startswith(_FILES):
            self._check_file(owner, bare[len(_FILES[0]) :])
        elif route == "heartbeat":
            self._claim(owner, name)
        elif route == "queue":
            for page in parse_qs(bytes(scope["query_string"]).decode("latin-1")).get("session_hash", []):
                self._claim(owner, page)
        elif not self.pages.owns_request(name.rpartition("/")[2], owner):
            raise _FOREIGN

    def _check_file(self, owner: str, name: str) -> None:
        try:
            path = Path(name).resolve()
            inside = path.relative_to(self.uploads.root)
        except (OSError, ValueError, RuntimeError):  # no name of a file, a circle of links, or outside
            raise Refused(403, "This file is not served.") from None
        hidden = any(part.startswith(".") for part in inside.parts)
        if hidden or not (self.uploads.owns(owner, path) or self.sessions.owns(owner, path)):
            raise _FOREIGN

    def _claim(self, owner: str, page: object) -> None:
        if isinstance(page, str) and not self.pages.claim(page, owner):
            raise _FOREIGN

    async def _act(self, owner: str, address: str, bare: str, scope: Scope, receive: Receive, send: Send) -> None:
        """A request that names a page, or waits in the queue."""
        body = await _whole(receive)
        named = _object(body)
        self._claim(owner, named.get("session_hash"))
        if bare.startswith(("/cancel", "/reset")):
            if not self.pages.owns_request(str(named.get("event_id", "")), owner):
                raise _FOREIGN
        elif bare.startswith(("/queue/join", "/call/")):
            if self.waiting.full(owner, address):
                raise Refused(503, "The queue is full of your requests: wait until one of them is done.")

            def note(answer: bytes) -> None:
                if isinstance(event := _object(answer).get("event_id"), str):
                    self.pages.note_request(event, owner)
                    self.pages.claim(event, owner)  # requests without a page have one of that name

            send = _noting(send, note)
        await self.app(scope, _replayed(body, receive), send)

    async def _upload(self, owner: str, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        """An upload whose bytes count from when they arrive; what is not complete is deleted."""
        taken, complete = 0, False

        async def counting() -> Message:
            nonlocal taken, complete
            try:
                message = await asyncio.wait_for(receive(), None if complete else IDLE_SECONDS)
            except asyncio.TimeoutError:
                raise Refused(408, "The upload broke off: send the file again.") from None
            size = len(message.get("body", b""))
            self.uploads.take(owner, address, size)
            taken, complete = taken + size, not message.get("more_body")
            return message

        def note(answer: bytes) -> None:
            for path in _paths(answer):
                self.uploads.add(owner, path, address=address)

        try:
            with temporary_parts():
                await self.app(scope, counting, _noting(send, note))
        finally:
            self.uploads.give_back(owner, address, taken)

    async def _sign_in(self, visitor: str, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        answer: list[Message] = []

        async def keeping(message: Message) -> None:
            answer.append(message)

        async def check() -> bool:
            await self.app(scope, receive, keeping)
            return any(message.get("status") == 200 for message in answer)

        if not await self.sign_in.attempt(visitor, address, check):
            raise Refused(429, "There are too many attempts to sign in: try again in some seconds.")
        for message in answer:
            await send(message)


def _with_headers(send: Send, *, new: str | None, private: bool) -> Send:
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
                headers.append((b"set-cookie", f"{COOKIE}={new}; Path=/; HttpOnly; SameSite=Lax".encode("ascii")))
            message = {**message, "headers": headers}
        await send(message)

    return sending


def _noting(send: Send, note: Callable[[bytes], None]) -> Send:
    """Show `note` the whole of a short answer before its last part is sent."""
    body = bytearray()

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.body" and len(body) < MAX_NOTED_ANSWER:
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                note(bytes(body))
        await send(message)

    return sending


async def _whole(receive: Receive) -> bytes:
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


def _replayed(body: bytes, receive: Receive) -> Receive:
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


def _object(text: bytes) -> dict[str, Any]:
    found = _json(text)
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _paths(text: bytes) -> list[Path]:
    found = _json(text)
    return [Path(path) for path in found if isinstance(path, str)] if isinstance(found, list) else []  # pyright: ignore


async def _answer(send: Send, error: Refused) -> None:
    """As JSON, as Gradio's own refusals are."""
    body = json.dumps({"detail": error.sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

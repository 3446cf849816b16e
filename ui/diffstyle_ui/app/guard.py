"""What every request passes before Gradio sees it: host, origin, routes, cookies, owners, uploads, sign-in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect

from diffstyle.serving.hosts import allowed_host, allowed_origin
from diffstyle.serving.uploaded_files import Refused
from diffstyle_ui.app.arrival import note_arrival
from diffstyle_ui.app.asgi import (
    App,
    Message,
    Receive,
    Scope,
    Send,
    answer,
    json_object,
    json_paths,
    noting,
    replayed,
    whole_body,
    with_headers,
)
from diffstyle_ui.app.pages import Pages
from diffstyle_ui.app.sessions import Sessions
from diffstyle_ui.app.sign_in import SignIn
from diffstyle_ui.app.upload_parts import temporary_parts
from diffstyle_ui.app.visitors import cookies_of
from diffstyle_ui.app.waiting import Waiting

IDLE_SECONDS = 60  # after which an upload that sends nothing has broken off
_UNUSED = (
    *("/proxy=", "/dev/", "/vibe-", "/undo-vibe-edit", "/process_recording", "/custom_component/", "/deep_link"),
    *("/runs", "/run-history/", "/monitoring", "/profiling/", "/stream/", "/component_server"),
)
_ACTIONS = ("/queue/join", "/run/", "/api/", "/call/", "/cancel", "/reset")  # POST requests that name a page
_FILES = ("/file=", "/file/")
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
                await answer(send, error)
        except ClientDisconnect:
            _log.warning("A request to %r broke off.", str(scope["path"])[:80])
        except (KeyError, TypeError, ValueError):  # a body that Gradio cannot read
            if started or "/call/v2/" not in str(scope["path"]):
                raise
            await answer(send, Refused(400, "The parameters are not those of this endpoint: /info lists them."))

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
        send = with_headers(send, new=None if visitor else self.visitors.new(), private=bare.startswith(_FILES))
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
            raise _foreign()

    def _check_file(self, owner: str, name: str) -> None:
        try:
            path = Path(name).resolve()
            inside = path.relative_to(self.uploads.root)
        except (OSError, ValueError, RuntimeError):  # no name of a file, a circle of links, or outside
            raise Refused(403, "This file is not served.") from None
        hidden = any(part.startswith(".") for part in inside.parts)
        if hidden or not (self.uploads.owns(owner, path) or self.sessions.owns(owner, path)):
            raise _foreign()

    def _claim(self, owner: str, page: object) -> None:
        if isinstance(page, str) and not self.pages.claim(page, owner):
            raise _foreign()

    async def _act(self, owner: str, address: str, bare: str, scope: Scope, receive: Receive, send: Send) -> None:
        """A request that names a page, or waits in the queue."""
        body = await whole_body(receive)
        named = json_object(body)
        self._claim(owner, named.get("session_hash"))
        if bare.startswith(("/cancel", "/reset")):
            if not self.pages.owns_request(str(named.get("event_id", "")), owner):
                raise _foreign()
        elif bare.startswith(("/queue/join", "/call/")):
            if self.waiting.full(owner, address):
                raise Refused(503, "The queue is full of your requests: wait until one of them is done.")

            def note(said: bytes) -> None:
                if isinstance(event := json_object(said).get("event_id"), str):
                    self.pages.note_request(event, owner)
                    self.pages.claim(event, owner)  # requests without a page have one of that name

            send = noting(send, note)
        await self.app(scope, replayed(body, receive), send)

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

        def note(body: bytes) -> None:
            for path in json_paths(body):
                self.uploads.add(owner, path, address=address)

        try:
            with temporary_parts():
                await self.app(scope, counting, noting(send, note))
        finally:
            self.uploads.give_back(owner, address, taken)

    async def _sign_in(self, visitor: str, address: str, scope: Scope, receive: Receive, send: Send) -> None:
        said: list[Message] = []

        async def keeping(message: Message) -> None:
            said.append(message)

        async def check() -> bool:
            await self.app(scope, receive, keeping)
            return any(message.get("status") == 200 for message in said)

        if not await self.sign_in.attempt(visitor, address, check):
            raise Refused(429, "There are too many attempts to sign in: try again in some seconds.")
        for message in said:
            await send(message)


def _foreign() -> Refused:
    return Refused(403, "This belongs to another visitor.")

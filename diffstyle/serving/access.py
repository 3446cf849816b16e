"""What every request passes first: host, origin, API key; and what is noted of it last: a log line and metrics."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from diffstyle.serving.api_errors import UNEXPECTED, ApiError
from diffstyle.serving.api_keys import ANONYMOUS
from diffstyle.serving.docs_page import FILES
from diffstyle.serving.hosts import allowed_host, allowed_origin
from diffstyle.serving.json_logs import log
from diffstyle.serving.service import Service

OPEN = ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json")
QUIET = ("/healthz", "/readyz", "/metrics")  # asked for all the time, and not logged
METHODS = ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH")
GONE = 499  # the status that logs and metrics have for a client that left, as nginx does
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class Access:
    """An ASGI application around another one, which finds `user` and `log` in the state of each request."""

    def __init__(self, app: ASGIApp, service: Service, *, names: Sequence[str] = ()) -> None:
        """`names` are the host names that the server answers to, besides addresses and localhost."""
        self.app, self.service, self.names = app, service, tuple(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status, started = time.monotonic(), 0, False
        identity = secrets.token_hex(8)
        values: dict[str, Any] = {"request": identity, "method": scope["method"], "key": ANONYMOUS}
        scope["state"] = {**scope.get("state", {}), "log": values}

        async def sending(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                present = {bytes(k).lower() for k, _ in message.get("headers", ())}
                added = [*(p for p in _HEADERS if p[0] not in present), (b"x-request-id", identity.encode())]
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        try:
            self._check(scope, values)
            await self.app(scope, receive, sending)
        except ApiError as error:
            await error.response()(scope, receive, sending)
        except ClientDisconnect:
            status = GONE
        except Exception as error:
            log("unexpected error", values, level=logging.ERROR, error=error)
            if not started:
                await ApiError(500, UNEXPECTED).response()(scope, receive, sending)
        finally:
            self._note(scope, values, status, time.monotonic() - began)

    def _check(self, scope: Scope, values: dict[str, Any]) -> None:
        headers = {bytes(k).lower(): bytes(v).decode("latin-1") for k, v in scope["headers"]}
        host = headers.get(b"host", "")
        if not allowed_host(host, self.names):
            raise ApiError(403, "This server does not answer to that name: start it with --allowed-host NAME.")
        if not allowed_origin(headers.get(b"origin"), host, self.names):
            raise ApiError(403, "Requests from pages of other sites are refused: start it with --allowed-host NAME.")
        path = str(scope["path"])
        if (
            path in OPEN
            or path.startswith(f"{FILES}/")
            or (path.startswith("/v1/styles/") and path.endswith("/thumbnail"))
        ):
            return
        user = self.service.keys.owner(headers.get(b"authorization"))
        if user is None:
            raise ApiError(401, "The API key is missing or wrong: send the header Authorization: Bearer KEY.")
        scope["state"]["user"] = values["key"] = user

    def _note(self, scope: Scope, values: Mapping[str, Any], status: int, seconds: float) -> None:
        route = str(getattr(scope.get("route"), "path", "unmatched"))
        method = scope["method"] if scope["method"] in METHODS else "other"  # clients may make up thousands
        self.service.metrics.note_request(method, route, status, seconds)
        if route not in QUIET:
            log("request", {**values, "route": route, "status": status, "seconds": round(seconds, 3)})

"""Clients that leave: what is done for them stops."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress
from threading import Event
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from diffstyle.core.errors import Cancelled

T = TypeVar("T")


async def while_connected(request: Request, cancel: Event, work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. If the client leaves first, `cancel` is set, `work` ends, and ClientDisconnect is raised."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        gone.cancel()
        if not task.done():
            cancel.set()
            task.cancel()
            with suppress(CancelledError, Cancelled):
                await task


@contextmanager
def cancelling(request: Request, cancel: Event) -> Generator[None, None, None]:
    """Set `cancel` if the client leaves meanwhile."""

    async def watch() -> None:
        await _left(request)
        cancel.set()

    task = asyncio.ensure_future(watch())
    try:
        yield
    finally:
        task.cancel()


async def _left(request: Request) -> None:
    """Return when the client has left; for a request whose body was read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

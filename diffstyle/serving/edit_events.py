"""An edit as server-sent events: unfinished pictures, finished ones, or an error."""

from __future__ import annotations

import asyncio
import json
from asyncio import Queue
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from threading import Event
from typing import Any

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from diffstyle.core.errors import Cancelled, InputError
from diffstyle.core.picture import Picture
from diffstyle.engines.base import Step
from diffstyle.serving.api_errors import UNEXPECTED, ApiError, invalid
from diffstyle.serving.disconnects import cancelling
from diffstyle.serving.edit import Edit
from diffstyle.serving.edit_answers import completed_event, partial_event
from diffstyle.serving.fair_queue import Closed, Ticket
from diffstyle.serving.json_logs import log
from diffstyle.serving.painting import Painting, paint, stopping
from diffstyle.serving.progress import Progress
from diffstyle.serving.service import Service

ALIVE_SECONDS = 15.0


class EventResponse(StreamingResponse):
    """Server-sent events; `held` is closed with the answer, whether or not it began."""

    def __init__(self, events: AsyncGenerator[bytes, None], held: ExitStack) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._events, self._held = events, held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            try:
                await self._events.aclose()
            finally:
                self._held.close()


async def edit_events(service: Service, request: Request, ticket: Ticket, edit: Edit) -> AsyncGenerator[bytes, None]:
    """The events of an edit; an error is one, too, because the status has been sent. They end if the client leaves."""
    cancel = Event()
    with cancelling(request, cancel):
        try:
            for number in range(edit.n):
                async with aclosing(_of_picture(service, ticket, edit, number, cancel)) as events:
                    async for event in events:
                        yield event
        except Cancelled:
            return
        except InputError as error:
            yield _event(invalid(error).body, "error")
        except Closed:
            yield _event(stopping().body, "error")
        except Exception as error:
            log("unexpected error", request.state.log, error=error)
            yield _event(ApiError(500, UNEXPECTED).body, "error")


async def _of_picture(
    service: Service, ticket: Ticket, edit: Edit, number: int, cancel: Event
) -> AsyncGenerator[bytes, None]:
    """The events of one picture. A comment is sent when there is none for a while, so that no proxy ends the stream."""
    shown: Queue[Picture | None] = Queue()

    def on_progress(progress: Progress) -> None:
        if progress.picture is not None:
            shown.put_nowait(progress.picture)

    task, show = edit.tasks(service.limits)[number], EvenSteps(edit.partials)
    painting = Painting(task, edit.output.of_result, edit.engine_name, on_progress, show)
    work = asyncio.ensure_future(paint(service.renderer, service.metrics, ticket, painting, cancel))
    work.add_done_callback(lambda _: shown.put_nowait(None))
    sent = 0
    try:
        while True:
            try:
                picture = await asyncio.wait_for(shown.get(), ALIVE_SECONDS)
            except (asyncio.TimeoutError, TimeoutError):
                yield b": waiting\n\n"
                continue
            if picture is None:
                break
            data = await asyncio.to_thread(edit.output.of_picture, picture)
            yield _event(partial_event(data, picture.size, edit.output, sent))
            sent += 1
        yield _event(completed_event(work.result(), edit.output))
    finally:
        if not work.done():
            cancel.set()
            work.cancel()
            await asyncio.wait({work})


class EvenSteps:
    """Accepts `count` steps of a render, evenly spread; fewer where it has fewer. For the thread of the model."""

    def __init__(self, count: int) -> None:
        self._count, self._accepted = count, 0

    def __call__(self, step: Step) -> bool:
        due = self._accepted < self._count and step.done * (self._count + 1) >= step.total * (self._accepted + 1)
        self._accepted += due
        return due


def _event(values: dict[str, Any], kind: str = "") -> bytes:
    return f"event: {kind or values['type']}\ndata: {json.dumps(values)}\n\n".encode()

"""`POST /v1/images/edits`, as OpenAI's clients call it: one answer, or a stream of events."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from asyncio import Queue
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack
from threading import Event
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from diffstyle.core.errors import InputError
from diffstyle.engines.base import Step
from diffstyle.serving.api_errors import UNEXPECTED, ApiError, invalid
from diffstyle.serving.disconnects import cancelling, while_connected
from diffstyle.serving.edit import Edit, Output, read_edit
from diffstyle.serving.fair_queue import Closed, Ticket
from diffstyle.serving.form_body import read_form
from diffstyle.serving.json_logs import log
from diffstyle.serving.painting import Painted, Painting, paint, stopping
from diffstyle.serving.progress import Progress
from diffstyle.serving.service import Service, Visit


class EditRoutes:
    """The route for edits."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def edit(self, request: Request) -> Response:
        """Repaint a photo in a style."""
        service = self.service
        with ExitStack() as stack:
            visit = stack.enter_context(service.visit(service.renders, request.state.user))
            form = await read_form(request, visit.folder, service.limits)
            edit = await asyncio.to_thread(read_edit, form, service.options, service.limits)
            request.state.log["engine"] = edit.engine_name
            if edit.stream:
                return _Events(self._events(request, visit, edit), stack.pop_all())
            cancel = Event()
            painted = await while_connected(request, cancel, self._painted(visit.ticket, edit, cancel))
        return JSONResponse(_answer(painted, edit.output))

    async def _painted(self, ticket: Ticket, edit: Edit, cancel: Event) -> list[Painted]:
        service, encoded = self.service, edit.output.of_result
        tasks = edit.tasks(service.limits)
        paintings = [Painting(task, encoded, edit.engine_name) for task in tasks]
        return [await paint(service.renderer, service.metrics, ticket, p, cancel) for p in paintings]

    async def _events(self, request: Request, visit: Visit, edit: Edit) -> AsyncGenerator[bytes, None]:
        """The events of a stream; an error is one, too, because the status has been sent."""
        service, cancel = self.service, Event()
        with cancelling(request, cancel):
            try:
                for task in edit.tasks(service.limits):
                    events: Queue[dict[str, Any] | None] = Queue()
                    shown = _Partials(edit.partials, edit.output, events)
                    encoded = edit.output.of_result
                    painting = Painting(task, encoded, edit.engine_name, shown.on_progress, shown.show)
                    work = asyncio.ensure_future(
                        paint(service.renderer, service.metrics, visit.ticket, painting, cancel)
                    )
                    work.add_done_callback(lambda _, events=events: events.put_nowait(None))
                    try:
                        while (event := await events.get()) is not None:
                            yield _event(event)
                        yield _event(_completed(work.result(), edit.output))
                    finally:
                        work.cancel()
            except InputError as error:
                yield _event(invalid(error).body, "error")
            except Closed:
                yield _event(stopping().body, "error")
            except Exception as error:
                log("unexpected error", request.state.log, error=error)
                yield _event(ApiError(500, UNEXPECTED).body, "error")


class _Partials:
    """Unfinished pictures as events: at most `count`, at even steps."""

    def __init__(self, count: int, output: Output, events: Queue[dict[str, Any] | None]) -> None:
        self._count, self._output, self._events = count, output, events
        self._shown, self._sent = 0, 0

    def show(self, step: Step) -> bool:
        """Whether the picture is due; called in the thread of the model."""
        due = self._shown < self._count and step.done * (self._count + 1) >= step.total * (self._shown + 1)
        self._shown += due
        return due

    def on_progress(self, progress: Progress) -> None:
        """Queue the event for a picture, if there is one."""
        if progress.picture is not None:
            said = _picture(self._output.of_picture(progress.picture), progress.picture.size, self._output)
            kind = {"type": "image_edit.partial_image", "partial_image_index": self._sent}
            self._events.put_nowait(kind | said)
            self._sent += 1


class _Events(StreamingResponse):
    """Server-sent events; `held` is closed with the answer, whether or not it began."""

    def __init__(self, events: AsyncGenerator[bytes, None], held: ExitStack) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._events, self._held = events, held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._events.aclose()
            self._held.close()


def _answer(painted: Sequence[Painted], output: Output) -> dict[str, Any]:
    return {
        "created": int(time.time()),
        "data": [{"b64_json": _base64(p.data)} for p in painted],
        "size": painted[0].dimensions,
        "output_format": output.name,
        "background": "auto",
        "quality": "auto",
        "usage": _usage(painted),
    }


def _completed(painted: Painted, output: Output) -> dict[str, Any]:
    said = _picture(painted.data, painted.size, output)
    return {"type": "image_edit.completed"} | said | {"usage": _usage([painted])}


def _picture(data: bytes, size: tuple[int, int], output: Output) -> dict[str, Any]:
    return {
        "b64_json": _base64(data),
        "size": f"{size[0]}x{size[1]}",
        "output_format": output.name,
        "background": "auto",
        "quality": "auto",
        "created_at": int(time.time()),
    }


def _usage(painted: Sequence[Painted]) -> dict[str, Any]:
    """What was used. Clients expect tokens: there are none. `seconds` are those of all phases but waiting."""
    return {
        "input_tokens": 0,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 0},
        "output_tokens": 0,
        "total_tokens": 0,
        "images": len(painted),
        "pixels": sum(p.size[0] * p.size[1] for p in painted),
        "seconds": round(sum(p.painting_seconds for p in painted), 3),
        "engine": painted[0].engine,
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _event(values: dict[str, Any], kind: str = "") -> bytes:
    return f"event: {kind or values['type']}\ndata: {json.dumps(values)}\n\n".encode()

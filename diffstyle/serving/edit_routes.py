"""`POST /v1/images/edits`, as OpenAI's clients call it: one answer, or a stream of events."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from threading import Event

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from diffstyle.serving.api_errors import ApiError
from diffstyle.serving.disconnects import while_connected
from diffstyle.serving.edit import Edit, read_edit
from diffstyle.serving.edit_answers import answer
from diffstyle.serving.edit_events import EventResponse, edit_events
from diffstyle.serving.fair_queue import Ticket
from diffstyle.serving.form_body import read_form
from diffstyle.serving.painting import Painted, Painting, paint
from diffstyle.serving.service import Service


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
                return EventResponse(edit_events(service, request, visit.ticket, edit), stack.pop_all())
            cancel = Event()
            painted = await while_connected(request, cancel, self._painted(visit.ticket, edit, cancel))
        return await asyncio.to_thread(lambda: JSONResponse(answer(painted, edit.output)))

    async def _painted(self, ticket: Ticket, edit: Edit, cancel: Event) -> list[Painted]:
        """Each picture takes a turn of its own. Raises ApiError if all of them would be too large for one answer, which
        is kept in memory; the first one says how large they are.
        """
        service, painted = self.service, list[Painted]()
        for task in edit.tasks(service.limits):
            painting = Painting(task, edit.output.of_result, edit.engine_name)
            painted.append(await paint(service.renderer, service.metrics, ticket, painting, cancel))
            width, height = painted[0].size
            if edit.n * width * height > service.limits.max_pixels:
                most = f"{service.limits.max_pixels / 1e6:g} million"
                said = f"{edit.n} pictures of {width}x{height} pixels are more than the {most} of one answer"
                raise ApiError(400, f"{said}: ask for fewer or smaller ones, for a stream or a job.", param="n")
        return painted

"""`/v1/styles`: the named styles, searched by words, and styles of one's own."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from threading import Event
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from diffstyle.assets.zoo import style_files
from diffstyle.core.style import Style
from diffstyle.formats.style_file import SUFFIX
from diffstyle.serving.api_errors import ApiError
from diffstyle.serving.asked_style import read_mix
from diffstyle.serving.disconnects import while_connected
from diffstyle.serving.form_body import Form, read_form
from diffstyle.serving.form_values import number
from diffstyle.serving.painting import look_up
from diffstyle.serving.service import Service, Visit
from diffstyle.serving.style_words import style_of

MOST_NAME = 100
_PARTS = ("style", "picture_weight", "style_file_weight")
_FILES = ("picture", "style_file")
_DAY = "public, max-age=86400"


class StyleRoutes:
    """The routes for styles."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def styles(self, request: Request, q: str = "", limit: int = 100) -> dict[str, Any]:
        """The named styles, in alphabetical order, or those nearest to the words `q`, the best first."""
        if limit < 1:
            raise ApiError(400, f"limit is {limit}: give a number of 1 or more.", param="limit")
        if not q.strip():
            names = await asyncio.to_thread(lambda: list(self.service.space.styles))
            return {"object": "list", "data": [self._described(name) for name in names[:limit]]}
        asked = style_of(q.strip())
        with self.service.visit(self.service.lookups, request.state.user) as visit:
            return {"object": "list", "data": await self._nearest(request, visit, asked, limit)}

    async def style(self, name: str) -> dict[str, Any]:
        """One named style."""
        await asyncio.to_thread(self._find, name)
        return self._described(name)

    async def thumbnail(self, name: str) -> Response:
        """A photo painted in a named style, as a small JPEG."""
        found = await asyncio.to_thread(self._find, name)
        return Response(found.thumbnail, media_type="image/jpeg", headers={"Cache-Control": _DAY})

    async def make(self, request: Request) -> Response:
        """Make a style from words, pictures and style files, with weights: a file to download."""
        service = self.service
        with service.visit(service.renders, request.state.user) as visit:
            form = await read_form(request, visit.folder, service.limits)
            form.check_fields((*_PARTS, "name", "licence"), _FILES)
            name, licence = _short(form, "name"), _short(form, "licence")
            asked = await asyncio.to_thread(read_mix, form)

            def save() -> bytes:
                made = service.renderer.complete(asked.read(service.limits))
                named = replace(made, name=name or made.name, licence=licence or made.licence)
                return named.save(visit.folder / f"made{SUFFIX}").read_bytes()

            cancel = Event()
            data = await while_connected(request, cancel, look_up(visit.ticket, save, cancel))
        file = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-") or "style"
        disposition = {"Content-Disposition": f'attachment; filename="{file}{SUFFIX}"'}
        return Response(data, media_type="application/octet-stream", headers=disposition)

    async def nearest(self, request: Request) -> Response:
        """The named styles nearest to words, pictures and style files, each with its cosine similarity."""
        service = self.service
        with service.visit(service.lookups, request.state.user) as visit:
            form = await read_form(request, visit.folder, service.limits)
            form.check_fields((*_PARTS, "k"), _FILES)
            k = number(form, "k", 5, (1, 100))
            asked = await asyncio.to_thread(read_mix, form)
            cancel = Event()
            style = await while_connected(
                request, cancel, look_up(visit.ticket, lambda: asked.read(service.limits), cancel)
            )
            return JSONResponse({"object": "list", "data": await self._nearest(request, visit, style, k)})

    async def _nearest(self, request: Request, visit: Visit, style: Style, k: int) -> list[dict[str, Any]]:
        service, cancel = self.service, Event()

        def find() -> list[tuple[str, float]]:
            return service.space.nearest(service.renderer.measure(style), k)

        found = await while_connected(request, cancel, look_up(visit.ticket, find, cancel))
        return [self._described(name) | {"similarity": round(cosine, 4)} for name, cosine in found]

    def _find(self, name: str) -> Style:
        if name not in style_files():
            raise ApiError(404, f"There is no style {name[:60]}: GET /v1/styles lists them.", code="not_found")
        return self.service.space.styles[name]

    def _described(self, name: str) -> dict[str, Any]:
        style = self.service.space.styles[name]
        about = {"id": name, "object": "style", "thumbnail": f"/v1/styles/{name}/thumbnail"}
        return about | {"description": style.card, "licence": style.licence}


def _short(form: Form, field: str) -> str:
    text = " ".join(form.text(field).split())
    if len(text) > MOST_NAME:
        raise ApiError(400, f"{field} has {len(text)} characters: give at most {MOST_NAME}.", param=field)
    return text

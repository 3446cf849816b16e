"""`/v1/preview` and `/v1/replay`: one picture as a file, without JSON around it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from threading import Event

from starlette.requests import Request
from starlette.responses import Response

from diffstyle.core.picture import Picture
from diffstyle.core.task import Task
from diffstyle.engines.registry import settings_class
from diffstyle.engines.replay import task_of
from diffstyle.formats.recipe import Recipe
from diffstyle.formats.result import Result
from diffstyle.serving.api_errors import ApiError, checked
from diffstyle.serving.disconnects import while_connected
from diffstyle.serving.edit import read_edit
from diffstyle.serving.form_body import Form, read_form
from diffstyle.serving.painting import Painting, look_up, paint
from diffstyle.serving.renderer import PREVIEW_SIDE
from diffstyle.serving.service import Service
from diffstyle.serving.uploaded_files import check_picture, open_picture, open_recipe

_ENGINE, _IDENTICAL = "Diffstyle-Engine", "Diffstyle-Repeats"


class QuickRoutes:
    """The routes that answer with a picture."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def preview(self, request: Request) -> Response:
        """A preview in a fraction of a second, at most 512 pixels a side: fields as for an edit."""
        service = self.service
        with service.visit(service.lookups, request.state.user) as visit:
            form = await read_form(request, visit.folder, service.limits)
            edit = await asyncio.to_thread(read_edit, form, service.options, service.limits)
            if edit.n > 1 or edit.stream:
                raise ApiError(400, "A preview is one picture: leave n and stream out.", param="n")

            def render() -> Result:
                task = edit.tasks(service.limits)[0]()
                longest = min(PREVIEW_SIDE, task.size or PREVIEW_SIDE)
                return service.renderer.preview(replace(task, content=Picture.of(task.content).reduced(longest)))

            cancel = Event()
            result = await while_connected(request, cancel, look_up(visit.ticket, render, cancel))
            service.metrics.note_picture(f"preview {result.task.engine.name}", result.seconds)
            data = await asyncio.to_thread(edit.output.of_result, result)
        return Response(data, media_type=edit.output.media_type, headers={_ENGINE: result.task.engine.name})

    async def replay(self, request: Request) -> Response:
        """Paint a photo, `image`, as a saved `picture` was made. The header Diffstyle-Repeats says whether everything
        is as it was: photo, weights, settings.
        """
        service, repeats = self.service, Event()
        with service.visit(service.renders, request.state.user) as visit:
            form = await read_form(request, visit.folder, service.limits)
            recipe = await asyncio.to_thread(self._recipe, form)
            photo = form.file("image")
            if photo is None:
                said = "There is no photo: send it as the file image."
                raise ApiError(400, said, param="image", code="missing_parameter")
            await asyncio.to_thread(checked, lambda: check_picture(photo, service.limits), "image")

            def task() -> Task:
                return task_of(recipe, replace(open_picture(photo, service.limits), source=recipe.content_source))

            def encode(result: Result) -> bytes:
                if recipe.repeats(result.recipe(depth=recipe.depth)):
                    repeats.set()
                return result.encoded("PNG", depth=recipe.depth)

            cancel, painting = Event(), Painting(task, encode, recipe.engine)
            work = paint(service.renderer, service.metrics, visit.ticket, painting, cancel)
            painted = await while_connected(request, cancel, work)
        headers = {_ENGINE: painted.engine, _IDENTICAL: "true" if repeats.is_set() else "false"}
        return Response(painted.data, media_type="image/png", headers=headers)

    def _recipe(self, form: Form) -> Recipe:
        form.check_fields((), ("picture", "image"))
        saved, own = form.file("picture"), self.service.options.name
        if saved is None:
            said = "There is no saved picture: send it as the file picture."
            raise ApiError(400, said, param="picture", code="missing_parameter")
        limits = self.service.limits
        recipe = checked(lambda: self.service.renderer.recipes.run(lambda: open_recipe(saved, limits)), "picture")
        if recipe.options.model != own:
            said = f"The picture was made with the model {recipe.options.model[:60]}, and this server has {own}."
            raise ApiError(400, said, param="picture", code="model_not_found")
        checked(lambda: settings_class(recipe.engine), "picture")
        return recipe

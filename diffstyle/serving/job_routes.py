"""`/v1/jobs`: edits whose client comes back for the result."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from diffstyle.serving.api_errors import ApiError
from diffstyle.serving.edit import read_edit
from diffstyle.serving.form_body import read_form
from diffstyle.serving.job_store import INPUTS
from diffstyle.serving.jobs import Jobs

_FULL = "The jobs take as much disk as this server allows: delete finished ones, or come back later."
_NONE = "This server keeps no jobs: start it with --jobs DIR."


class JobRoutes:
    """The routes for jobs; without `jobs`, each says that there are none."""

    def __init__(self, jobs: Jobs | None) -> None:
        self._jobs = jobs

    @property
    def jobs(self) -> Jobs:
        """The jobs. Raises ApiError if this server keeps none."""
        if self._jobs is None:
            raise ApiError(404, _NONE, code="no_jobs")
        return self._jobs

    async def create(self, request: Request) -> Response:
        """Paint a photo later: fields as for an edit, but `stream`."""
        jobs, service = self.jobs, self.jobs.service
        if await asyncio.to_thread(lambda: jobs.store.full):
            raise ApiError(507, _FULL, code="jobs_full")
        ticket = service.enter(service.renders, request.state.user)
        folder: Path | None = None
        try:
            folder = await asyncio.to_thread(jobs.store.new_folder)
            form = await read_form(request, folder / INPUTS, service.limits)
            edit = await asyncio.to_thread(read_edit, form, service.options, service.limits)
            if edit.stream:
                raise ApiError(400, "A job has no stream: leave stream out.", param="stream")
            record = await asyncio.to_thread(jobs.store.keep, folder, request.state.user, form)
        except BaseException:
            ticket.leave()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        request.state.log |= {"engine": edit.engine_name, "job": record.id}
        jobs.start(record, ticket)
        return JSONResponse(jobs.state(record), 202, {"Location": f"/v1/jobs/{record.id}"})

    async def all(self, request: Request, limit: int = 20) -> dict[str, Any]:
        """One's own jobs, the newest first."""
        jobs = self.jobs
        if limit < 1:
            raise ApiError(400, f"limit is {limit}: give a number of 1 or more.", param="limit")
        records = await asyncio.to_thread(jobs.store.of, request.state.user)
        shown = [jobs.state(record) for record in records[:limit]]
        return {"object": "list", "data": shown, "has_more": len(records) > limit}

    def state(self, request: Request, job_id: str) -> dict[str, Any]:
        """How far a job is: queued, running with its steps, done, or failed with the error."""
        return self.jobs.state(self.jobs.find(job_id, request.state.user))

    def result(self, request: Request, job_id: str, index: int = 0) -> Response:
        """A picture of a finished job."""
        store, record = self.jobs.store, self.jobs.find(job_id, request.state.user)
        outcome = store.outcome(record.id)
        if outcome is None:
            raise ApiError(409, "The job is not finished: ask for its state first.", code="job_not_finished")
        if outcome.status == "failed":
            said = str((outcome.error or {})["error"]["message"])
            raise ApiError(409, f"The job has failed, so there is no picture. {said}", code="job_failed")
        if not 0 <= index < len(outcome.pictures):
            said = f"index is {index}: the job has {len(outcome.pictures)} pictures, the first is 0."
            raise ApiError(404, said, param="index")
        picture = store.root / record.id / outcome.pictures[index]
        if not picture.is_file():
            raise ApiError(404, "The picture is not there any more: paint it again.", code="not_found")
        return FileResponse(picture, media_type=outcome.media_type)

    async def delete(self, request: Request, job_id: str) -> dict[str, Any]:
        """Cancel a job, and delete what is kept of it."""
        jobs = self.jobs
        record = await asyncio.to_thread(jobs.find, job_id, request.state.user)
        await jobs.delete(record)
        return {"id": record.id, "object": "job", "deleted": True}

"""Jobs: edits that go on without their client, wait in the same queue as others, and survive the server."""

from __future__ import annotations

import asyncio
import time
from asyncio import CancelledError, Future
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any, TypeVar

from diffstyle.core.errors import Cancelled, InputError
from diffstyle.core.task import Task
from diffstyle.serving.api_errors import UNEXPECTED, ApiError, invalid
from diffstyle.serving.edit import read_edit
from diffstyle.serving.fair_queue import Closed, Ticket
from diffstyle.serving.job_store import JobOutcome, JobRecord, JobStore
from diffstyle.serving.json_logs import log
from diffstyle.serving.painting import Painting, paint
from diffstyle.serving.progress import Progress
from diffstyle.serving.service import Service

T = TypeVar("T")
SWEEP_SECONDS = 600
ATTEMPTS = 3  # after which a job is no longer tried: it may be what ends the servers


@dataclass(slots=True)
class Live:
    """A job that waits or runs: its place in the queue, what cancels it, and how far it is."""

    record: JobRecord
    ticket: Ticket
    cancel: Event = field(default_factory=Event)
    started: float = 0.0
    done: int = 0
    total: int = 0
    task: Future[None] | None = None


class Jobs:
    """The jobs of a server. For the thread of its event loop."""

    def __init__(self, service: Service, store: JobStore, *, keep_hours: float) -> None:
        """Finished jobs are deleted after `keep_hours`."""
        self.service, self.store, self.keep_hours = service, store, keep_hours
        self._live: dict[str, Live] = {}
        self._sweeping: Future[None] | None = None

    def resume(self) -> None:
        """Run what another server has left unfinished, beyond all limits of the queue, and delete old jobs."""
        for record in self.store.unfinished():
            self.start(record, self.service.renders.enter(record.owner, always=True))
        self._sweeping = asyncio.ensure_future(self._sweep())

    def start(self, record: JobRecord, ticket: Ticket) -> None:
        """Run a job when it is the turn of `ticket`."""
        live = Live(record, ticket)
        self._live[record.id] = live
        live.task = asyncio.ensure_future(self._run(live))
        live.task.add_done_callback(lambda _: self._end(live))

    def suspend(self) -> None:
        """Leave the jobs that wait to the next server."""
        for live in [live for live in self._live.values() if not live.started]:
            self._stop(live)

    @property
    def busy(self) -> bool:
        """Whether a job waits or runs."""
        return bool(self._live)

    def find(self, identity: str, user: str) -> JobRecord:
        """A job of `user`; ApiError if there is none of that name."""
        record = self.store.record(identity)
        if record is None or record.owner != user:
            raise ApiError(404, f"There is no job {identity[:60]}: it was deleted, or never there.", code="not_found")
        return record

    def state(self, record: JobRecord) -> dict[str, Any]:
        """A job as the API shows it."""
        live, outcome = self._live.get(record.id), self.store.outcome(record.id)
        values: dict[str, Any] = {"id": record.id, "object": "job", "created_at": int(record.created)}
        if outcome is not None:
            urls = [f"/v1/jobs/{record.id}/result?index={n}" for n in range(len(outcome.pictures))]
            values |= {"status": outcome.status, "engine": outcome.engine, "results": urls, **(outcome.error or {})}
            return values | {"seconds": round(outcome.finished - outcome.started, 2)}
        started = live is not None and live.started > 0
        values |= {"status": "running" if started else "queued", "results": []}
        if live is not None and started:
            values |= {"steps": {"done": live.done, "total": live.total}}
            values |= {"seconds": round(time.time() - live.started, 2)}
        return values

    async def delete(self, record: JobRecord) -> None:
        """Stop a job and delete it, with its pictures."""
        live = self._live.get(record.id)
        if live is not None and live.task is not None:
            self._stop(live)
            await asyncio.wait({live.task})
        await asyncio.to_thread(self.store.delete, record.id)

    @staticmethod
    def _stop(live: Live) -> None:
        live.cancel.set()
        if live.task is not None:
            live.task.cancel()

    async def _run(self, live: Live) -> None:
        """Paint a job and note what came of it; nothing is noted if it is stopped."""
        try:
            outcome = await self._painted(live)
        except (Cancelled, CancelledError, Closed):
            return  # deleted, or left to the next server
        except ApiError as error:
            outcome = _failed(live, error.body)
        except InputError as error:
            outcome = _failed(live, invalid(error).body)
        except Exception as error:
            log("unexpected error", {"job": live.record.id}, error=error)
            outcome = _failed(live, ApiError(500, UNEXPECTED).body)
        values = {"job": live.record.id, "key": live.record.owner, "status": outcome.status}
        try:
            await _written(partial(self.store.finish, live.record.id, outcome))
            log("job", values | {"seconds": round(outcome.finished - outcome.started, 3)})
        except OSError as error:
            log("job not written", values, error=error)

    def _end(self, live: Live) -> None:
        live.ticket.leave()
        del self._live[live.record.id]

    async def _painted(self, live: Live) -> JobOutcome:
        service, identity = self.service, live.record.id
        form = self.store.form(live.record)
        edit = await asyncio.to_thread(read_edit, form, service.options, service.limits)
        engine, names = edit.engine_name, list[str]()

        def first(task: Callable[[], Task]) -> Task:
            if self.store.begin(identity) > ATTEMPTS:
                raise InputError(f"The server has ended {ATTEMPTS} times while it painted this: send another picture.")
            return task()

        def on_progress(number: int, progress: Progress) -> None:
            live.started = live.started or time.time()
            live.done, live.total = number * progress.total + progress.done, edit.n * progress.total

        for number, task in enumerate(edit.tasks(service.limits)):
            begun = task if number else partial(first, task)
            painting = Painting(begun, edit.output.of_result, edit.engine_name, partial(on_progress, number))
            painted = await paint(service.renderer, service.metrics, live.ticket, painting, live.cancel)
            live.started = live.started or time.time() - painted.painting_seconds
            engine, suffix = painted.engine, edit.output.name
            names.append(await _written(partial(self.store.add_picture, identity, number, painted.data, suffix)))
        return JobOutcome(
            status="done",
            started=live.started,
            finished=time.time(),
            engine=engine,
            media_type=edit.output.media_type,
            pictures=tuple(names),
        )

    async def _sweep(self) -> None:
        while True:
            await asyncio.to_thread(self.store.sweep, self.keep_hours * 3600)
            await asyncio.sleep(SWEEP_SECONDS)


async def _written(write: Callable[[], T]) -> T:
    """What `write` returns, in a thread. It is waited for even when the caller is cancelled, so that a job that is
    deleted is not written to meanwhile.
    """
    thread = asyncio.ensure_future(asyncio.to_thread(write))
    try:
        return await asyncio.shield(thread)
    except CancelledError:
        await asyncio.wait({thread})
        raise


def _failed(live: Live, error: Mapping[str, Any]) -> JobOutcome:
    now = time.time()
    return JobOutcome(status="failed", started=live.started or now, finished=now, error=error)

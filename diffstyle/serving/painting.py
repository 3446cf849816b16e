"""Painting for a request: wait for a turn, render, encode; measured, and cancelled from outside."""

from __future__ import annotations

import asyncio
import time
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import TypeVar

from diffstyle.core.cancelling import cancellable, check_cancelled
from diffstyle.core.errors import Cancelled
from diffstyle.core.task import Task
from diffstyle.engines.base import Step
from diffstyle.formats.result import Result
from diffstyle.serving.api_errors import ApiError
from diffstyle.serving.fair_queue import Ticket
from diffstyle.serving.metrics import Metrics
from diffstyle.serving.progress import Progress, no_step
from diffstyle.serving.renderer import Renderer

T = TypeVar("T")
OnProgress = Callable[[Progress], None]
Encode = Callable[[Result], bytes]


@dataclass(frozen=True, slots=True)
class Painted:
    """An encoded picture of `size` (width, height), the engine that painted it, and the seconds of each phase."""

    data: bytes
    size: tuple[int, int]
    engine: str
    seconds: Mapping[str, float]

    @property
    def painting_seconds(self) -> float:
        """All phases but waiting."""
        return sum(seconds for phase, seconds in self.seconds.items() if phase != "wait")

    @property
    def dimensions(self) -> str:
        """As clients read it: WIDTHxHEIGHT."""
        return f"{self.size[0]}x{self.size[1]}"


@dataclass(frozen=True, slots=True)
class Painting:
    """How to paint one picture: `task` makes what to render, `encode` the bytes of the result; both run in the thread
    of the model. `engine` is the name that metrics have for it until it is painted.

    `on_progress` is called in the event loop, with the unfinished picture at the steps that `show` accepts.
    """

    task: Callable[[], Task]
    encode: Encode
    engine: str
    on_progress: OnProgress | None = None
    show: Callable[[Step], bool] = no_step


async def paint(renderer: Renderer, metrics: Metrics, ticket: Ticket, painting: Painting, cancel: Event) -> Painted:
    """The picture, when it is the turn of `ticket`.

    Raises Cancelled as soon as `cancel` is set, Closed if the server stops first, and InputError for what cannot be
    painted.
    """
    entered = time.monotonic()
    try:
        async with ticket.turn():
            waited = time.monotonic() - entered
            painted = await _rendered(renderer, painting, waited, cancel)
    except (Cancelled, CancelledError):
        cancel.set()  # the thread that waits for the model stops, too
        metrics.note_failure(painting.engine, "cancelled")
        raise
    except Exception:
        metrics.note_failure(painting.engine, "failed")
        raise
    metrics.note_picture(painted.engine, painted.seconds)
    return painted


async def _rendered(renderer: Renderer, painting: Painting, waited: float, cancel: Event) -> Painted:
    loop = asyncio.get_running_loop()

    def finish(result: Result) -> Painted:
        began = time.monotonic()
        data = painting.encode(result)
        seconds = {"wait": waited, **result.seconds, "encode": time.monotonic() - began}
        return Painted(data, result.picture.size, result.task.engine.name, seconds)

    def consume() -> Painted:
        for step in renderer.render(painting.task, cancel, finish, show=painting.show):
            if isinstance(step, Painted):
                return step
            if painting.on_progress is not None:
                loop.call_soon_threadsafe(painting.on_progress, step)
        raise Cancelled  # a render that ends without a picture was cancelled

    return await asyncio.to_thread(consume)


def stopping() -> ApiError:
    """The error for a request that waited when the server stopped."""
    return ApiError(503, "The server is stopping: send the request again in a moment.", retry_after=5)


async def look_up(ticket: Ticket, job: Callable[[], T], cancel: Event) -> T:
    """What `job` returns, in a thread, when it is the turn of `ticket`; it can be cancelled as `paint` can."""

    def run() -> T:
        with cancellable(cancel.is_set):
            check_cancelled()
            return job()

    try:
        async with ticket.turn():
            return await asyncio.to_thread(run)
    except CancelledError:
        cancel.set()
        raise

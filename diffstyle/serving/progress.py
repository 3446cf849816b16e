"""Renders as streams: the steps as they are done, then the result; with a time limit, and cancelled from outside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event
from typing import TypeVar

from diffstyle.core.cancelling import cancellable, check_cancelled
from diffstyle.core.errors import Cancelled, InputError
from diffstyle.core.picture import Picture
from diffstyle.engines.base import Step
from diffstyle.serving.gate import POLL_SECONDS
from diffstyle.serving.worker import Worker
from diffstyle.stylizer import Stylizer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a render: `done` of `total` steps, and the unfinished picture if it is quick to show."""

    done: int
    total: int
    picture: Picture | None


def every_step(_: Step) -> bool:
    """Whether to show the picture at a step: at each of them."""
    return True


def no_step(_: Step) -> bool:
    """Whether to show the picture at a step: at none."""
    return False


def stream(
    worker: Worker,
    render: Callable[[Stylizer, Callable[[Step], bool | None]], T],
    cancel: Event,
    *,
    seconds: float,
    late: InputError,
    show: Callable[[Step], bool] = every_step,
) -> Iterator[Progress | T]:
    """The steps of `render` as they are done, then what it returns. Closing the generator cancels the render.

    The unfinished picture is made at the steps that `show` accepts. Steps that are done before the consumer asks for
    the next one are skipped. Raises Cancelled at once when `cancel` is set, and `late` when `render` takes longer than
    `seconds`; the worker stops at the next step or strip.
    """
    updates: SimpleQueue[Progress | None] = SimpleQueue()
    closed, requested = Event(), Event()
    began: list[float] = []

    def stopped() -> bool:
        return cancel.is_set() or closed.is_set()

    def on_step(step: Step) -> bool | None:
        if stopped():
            return False
        if requested.is_set():
            requested.clear()
            shown = step.preview if step.preview is not None and show(step) else None
            updates.put(Progress(step.done, step.total, shown() if shown is not None else None))
        return None

    def job(stylizer: Stylizer) -> T:
        began.append(time.monotonic())
        with cancellable(stopped):
            check_cancelled()
            return render(stylizer, on_step)

    future = worker.submit(job)
    future.add_done_callback(lambda _: updates.put(None))
    try:
        requested.set()
        while True:
            try:
                progress = updates.get(timeout=POLL_SECONDS)
            except Empty:
                if cancel.is_set() and not future.done():
                    raise Cancelled from None
                if began and time.monotonic() - began[0] > seconds:
                    raise late from None
                continue
            if progress is None:
                break
            yield progress
            requested.set()
        yield future.result()
    finally:
        closed.set()
        future.cancel()  # one that waits leaves its place at once

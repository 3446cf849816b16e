"""`Gate`: one thread that runs one job after another."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from contextvars import copy_context
from threading import Lock
from typing import Any, TypeVar

from diffstyle.core.cancelling import check_cancelled
from diffstyle.core.errors import InputError
from diffstyle.serving.memory import forget_frames

T = TypeVar("T")
WAITING = 16  # jobs at one gate, where it is not said; those of a server's queue come one by one
POLL_SECONDS = 0.1


class Busy(InputError):
    """Too many jobs wait: the same job may be taken later."""


class Gate:
    """One thread that runs one job after another, whatever route they came by; it refuses more than `waiting`."""

    def __init__(self, name: str, *, waiting: int = WAITING) -> None:
        self._waiting = waiting
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._lock, self._count = Lock(), 0

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Queue a job; Busy if too many wait. It can be cancelled as the caller can."""
        with self._lock:
            if self._count > self._waiting:
                raise Busy("The server is busy: try again in a moment.")
            self._count += 1
        future = self._thread.submit(copy_context().run, _lean, job)
        future.add_done_callback(self._leave)
        return future

    def run(self, job: Callable[[], T]) -> T:
        """Queue a job and wait for its result; Cancelled as soon as the caller is cancelled, even while it waits."""
        future = self.submit(job)
        try:
            while True:
                with suppress(NotYet):
                    return future.result(timeout=POLL_SECONDS)
                if future.done():  # the job itself has raised it
                    return future.result()
                check_cancelled()
        finally:
            future.cancel()

    def close(self) -> None:
        """Drop the queued jobs; the running one goes on to its end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._count > 0

    def _leave(self, _: Future[Any]) -> None:
        with self._lock:
            self._count -= 1


def _lean(job: Callable[[], T]) -> T:
    """`job()`. What it raises keeps no picture in memory."""
    try:
        check_cancelled()
        return job()
    except BaseException as error:
        forget_frames(error)
        raise

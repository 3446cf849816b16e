"""Cancelling between two steps: loops over strips and tiles ask whether the render that they belong to goes on."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from diffstyle.core.errors import Cancelled

_cancelled: ContextVar[Callable[[], bool] | None] = ContextVar("cancelled", default=None)


@contextmanager
def cancellable(cancelled: Callable[[], bool]) -> Generator[None]:
    """What runs inside, in this thread, stops at the next `check_cancelled` after `cancelled` has become True."""
    token = _cancelled.set(cancelled)
    try:
        yield
    finally:
        _cancelled.reset(token)


def check_cancelled() -> None:
    """Raise Cancelled if the surrounding `cancellable` says so."""
    cancelled = _cancelled.get()
    if cancelled is not None and cancelled():
        raise Cancelled

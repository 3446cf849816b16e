"""A slot for one thing: what is newer takes the place of what nobody has fetched."""

from __future__ import annotations

from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Passes things from one thread to another without a queue. `dropped` counts those that were never fetched."""

    def __init__(self) -> None:
        self.dropped = 0
        self._changed = Condition()
        self._thing: T | None = None
        self._error: Exception | None = None
        self._closed = False

    def put(self, thing: T) -> None:
        """Offer the newest thing; one that waits is dropped."""
        with self._changed:
            self.dropped += self._thing is not None
            self._thing = thing
            self._changed.notify()

    def close(self, error: Exception | None = None) -> None:
        """Nothing more comes; what waits can still be fetched, then `error` is raised."""
        with self._changed:
            self._closed, self._error = True, error
            self._changed.notify_all()

    def take(self, timeout: float) -> T | None:
        """The newest thing, waiting at most `timeout` seconds for one; None if there is none by then.

        Raises EOFError, or the error it was closed with, when nothing more comes.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._thing is not None or self._closed, timeout)
            thing, self._thing = self._thing, None
            if thing is None and self._closed:
                raise EOFError if self._error is None else self._error
            return thing

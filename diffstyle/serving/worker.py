"""`Worker`: a `Stylizer` that one thread alone uses."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from diffstyle.serving.gate import Gate
from diffstyle.stylizer import Stylizer

T = TypeVar("T")


class Worker:
    """A Stylizer behind a gate, whose thread alone uses it. It is loaded with the first job."""

    def __init__(self, load: Callable[[], Stylizer], name: str) -> None:
        self._load, self._stylizer = load, None
        self._gate = Gate(name)

    def submit(self, job: Callable[[Stylizer], T]) -> Future[T]:
        """Queue a job; Busy if too many wait."""
        return self._gate.submit(lambda: job(self._ready()))

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._gate.busy

    def run(self, job: Callable[[Stylizer], T]) -> T:
        """Queue a job and wait for its result, as `Gate.run`."""
        return self._gate.run(lambda: job(self._ready()))

    def close(self) -> None:
        """Drop the queued jobs; the running one goes on to its end."""
        self._gate.close()

    def _ready(self) -> Stylizer:
        if self._stylizer is None:
            self._stylizer = self._load()
        return self._stylizer

"""How many requests a minute one user may send."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping

WINDOW_SECONDS = 60.0


class TooMany(Exception):
    """A user has sent as many requests within a minute as allowed; `seconds` until the next one is accepted."""

    def __init__(self, rate: int, seconds: int) -> None:
        super().__init__(f"more than {rate} requests a minute")
        self.rate, self.seconds = rate, seconds


class Rates:
    """Counts the requests of each user in a sliding window: no 60 seconds have more than the rate.

    For the thread of one event loop. It keeps one number for each request in the window.
    """

    def __init__(
        self, usual: int | None, own: Mapping[str, int] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`usual` is the rate of users that have none of their `own`; None is no limit."""
        self._usual, self._own, self._clock = usual, dict(own or {}), clock
        self._sent: dict[str, deque[float]] = {}

    def check(self, user: str) -> None:
        """Raise TooMany if a request of `user` is one too many now."""
        rate = self._own.get(user, self._usual)
        if rate is None:
            return
        sent, now = self._sent.setdefault(user, deque()), self._clock()
        while sent and now - sent[0] >= WINDOW_SECONDS:
            sent.popleft()
        if len(sent) >= rate:
            raise TooMany(rate, max(1, math.ceil(sent[0] + WINDOW_SECONDS - now)))

    def note(self, user: str) -> None:
        """Count a request that was accepted."""
        if self._own.get(user, self._usual) is not None:
            self._sent.setdefault(user, deque()).append(self._clock())

"""How long renders took on this server, by engine and size; and from that, how long the next one will take."""

from __future__ import annotations

import statistics
from collections import deque
from threading import Lock

KEPT = 9  # renders by each engine
ALIKE = 2.0  # ratio of sizes up to which renders say the most of one another


class Durations:
    """The last renders of each engine: seconds, and megapixels of the result."""

    def __init__(self) -> None:
        self._renders: dict[str, deque[tuple[float, float]]] = {}
        self._lock = Lock()

    def note(self, engine: str, megapixels: float, seconds: float) -> None:
        """Note a render."""
        with self._lock:
            self._renders.setdefault(engine, deque(maxlen=KEPT)).append((megapixels, seconds))

    def estimate(self, engine: str, megapixels: float) -> float | None:
        """The median for renders of about that size, or else of any; None before the first one by that engine."""
        with self._lock:
            renders = list(self._renders.get(engine, ()))
        alike = [(size, seconds) for size, seconds in renders if 1 / ALIKE <= size / megapixels <= ALIKE]
        rates = [seconds / size for size, seconds in alike or renders]
        return statistics.median(rates) * megapixels if rates else None

    def usual(self) -> float | None:
        """The median of all renders, whatever they were; None before the first one."""
        with self._lock:
            seconds = [seconds for renders in self._renders.values() for _, seconds in renders]
        return statistics.median(seconds) if seconds else None

"""What a server measures of itself, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from diffstyle._version import __version__

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """Counters, gauges and histograms in a registry of their own."""

    def __init__(self) -> None:
        self.registry, self._gauges = CollectorRegistry(), dict[str, Gauge]()
        ProcessCollector(registry=self.registry)
        version = Gauge("diffstyle_info", "The version of diffstyle.", ["version"], registry=self.registry)
        version.labels(__version__).set(1)
        self._requests = Counter(
            "diffstyle_requests", "Requests by route and status.", ["method", "route", "status"], registry=self.registry
        )
        self._request_seconds = Histogram(
            "diffstyle_request_seconds",
            "Seconds from a request to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._phases = Histogram(
            "diffstyle_phase_seconds",
            "Seconds of one picture by phase: wait, prepare, render, encode.",
            ["phase", "engine"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._renders = Counter(
            "diffstyle_renders", "Pictures by engine and outcome.", ["engine", "outcome"], registry=self.registry
        )

    def watch(self, name: str, text: str, read: Callable[[], float], queue: str = "") -> None:
        """Publish what `read` returns as the gauge `diffstyle_NAME`, for one `queue` where there are several."""
        key = f"diffstyle_{name}"
        gauge = self._gauges.get(key)
        if gauge is None:
            gauge = Gauge(key, text, ["queue"] if queue else [], registry=self.registry)
            self._gauges[key] = gauge
        (gauge.labels(queue) if queue else gauge).set_function(read)

    def note_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def note_picture(self, engine: str, seconds: Mapping[str, float]) -> None:
        """Count a picture, with the seconds of each phase."""
        self._renders.labels(engine, "done").inc()
        for phase, spent in seconds.items():
            self._phases.labels(phase, engine).observe(spent)

    def note_failure(self, engine: str, outcome: str) -> None:
        """Count a picture that was not finished: `outcome` is cancelled or failed."""
        self._renders.labels(engine, outcome).inc()

    def text(self) -> bytes:
        """All of it, in the text format of Prometheus."""
        return generate_latest(self.registry)

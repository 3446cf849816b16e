"""Running the HTTP server: it listens, loads the models, and finishes what runs when it is stopped."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import uvicorn

from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.serving.api_keys import ApiKeys
from diffstyle.serving.application import application
from diffstyle.serving.job_store import open_store
from diffstyle.serving.jobs import Jobs
from diffstyle.serving.json_logs import log, start_logging
from diffstyle.serving.limits import ServerLimits
from diffstyle.serving.service import Service, loaded, open_service

POLL_SECONDS = 0.1
LAST_SECONDS = 5  # for answers that are being sent while the server stops


def serve(
    *,
    host: str,
    port: int,
    options: ModelOptions,
    limits: ServerLimits,
    keys: ApiKeys,
    per_key: int | None = None,
    rate: int | None = None,
    names: Sequence[str] = (),
    drain_seconds: int = 60,
    jobs: Path | None = None,
    jobs_mb: int = 10_000,
    keep_hours: float = 48,
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what runs, and what waits within `drain_seconds`.

    One key may have `per_key` requests that wait or run, and send `rate` requests a minute.

    `jobs` is the folder of jobs, None for no jobs. They are deleted `keep_hours` after they are finished, and new ones
    refused while all take `jobs_mb` megabytes.

    What ships is loaded after the server answers, other models before. Raises InputError for a model that is missing or
    damaged, and for a host or port that cannot be used.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(_listening(host, port))
        store = None if jobs is None else stack.enter_context(open_store(jobs, max_bytes=jobs_mb * 10**6))
        service = stack.enter_context(open_service(options, limits, keys, per_key=per_key, rate=rate))
        if options != ModelOptions():
            service.renderer.load()
        running = None if store is None else Jobs(service, store, keep_hours=keep_hours)
        server = DrainingServer(service, running, names=tuple(names), drain_seconds=drain_seconds)
        name, chosen = host if ":" not in host else f"[{host}]", listener.getsockname()[1]
        print(f"diffstyle serves at http://{name}:{chosen}; press Ctrl-C to stop it.", flush=True)
        if service.renderer.runtimes is not None:
            print(service.renderer.runtimes, flush=True)
        start_logging()
        server.run(sockets=[listener])
        if server.problem is not None:
            raise server.problem


class DrainingServer(uvicorn.Server):
    """Uvicorn, which on a signal still answers until the queues are empty, and refuses what comes new."""

    def __init__(self, service: Service, jobs: Jobs | None, *, names: tuple[str, ...], drain_seconds: int) -> None:
        super().__init__(
            uvicorn.Config(
                application(service, jobs, names=names),
                log_config=None,
                access_log=False,
                server_header=False,
                lifespan="off",
                timeout_graceful_shutdown=LAST_SECONDS,
                timeout_keep_alive=75,
            )
        )
        self.service, self.jobs, self.drain_seconds = service, jobs, drain_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self.problem: Exception | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then load the models, go on with jobs, and watch for the end."""
        await super().startup(sockets=sockets)
        if self.jobs is not None:
            self.jobs.resume()
        for work in (loaded(self.service, self._fail), self._drained()):
            self._tasks.add(asyncio.ensure_future(work))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; at the second signal stop at once."""
        del sig, frame
        if self.service.draining.is_set():
            self.should_exit = self.force_exit = True
        self.service.draining.set()

    def _fail(self, problem: Exception) -> None:
        self.problem, self.should_exit = problem, True

    async def _drained(self) -> None:
        """Stop uvicorn when all has ended that may end."""
        service = self.service
        while not service.draining.is_set():
            await asyncio.sleep(POLL_SECONDS)
        log("stopping", {"waiting": service.renders.depth + service.lookups.depth})
        began = time.monotonic()
        if self.jobs is not None:
            self.jobs.suspend()
        while not service.idle and time.monotonic() - began < self.drain_seconds:
            await asyncio.sleep(POLL_SECONDS)
        for queue in (service.renders, service.lookups):
            queue.close()
        # what runs ends, or is stopped when it takes too long; uploads are not waited for
        while service.running or (self.jobs is not None and self.jobs.busy):
            await asyncio.sleep(POLL_SECONDS)
        log("stopped", {"seconds": round(time.monotonic() - began, 1)})
        self.should_exit = True


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens at `host` and `port`, any free one for 0. Raises InputError if it cannot be used."""
    problem = InputError(f"Cannot listen at {host}, port {port}: choose another one.")
    if not 0 <= port < 2**16:
        raise problem
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise problem from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise problem from error
    return listener

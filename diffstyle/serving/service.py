"""`Service`: what all routes of the HTTP server share."""

from __future__ import annotations

import asyncio
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Event, Thread

from diffstyle.assets.zoo import example_photo
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.encoders.space import StyleSpace
from diffstyle.serving.api_errors import ApiError
from diffstyle.serving.api_keys import ApiKeys
from diffstyle.serving.fair_queue import FairQueue, Full, Ticket
from diffstyle.serving.folders import own_folder
from diffstyle.serving.limits import ServerLimits
from diffstyle.serving.memory import settle
from diffstyle.serving.metrics import Metrics
from diffstyle.serving.rates import Rates, TooMany
from diffstyle.serving.renderer import WARM_SIDE, WARM_WORDS, Renderer

PREFIX = "diffstyle-serve-"
WARMED = (WARM_WORDS, "halftone")  # one style that is painted, one that is drawn by rule
MOST_RETRY_SECONDS = 120


@dataclass(frozen=True)
class Service:
    """The model, the queues before it, the limits, the keys and their rates, and the folder for uploads.

    `renders` is the queue for pictures in full size, `lookups` that for previews and whatever else is quick.
    """

    options: ModelOptions
    limits: ServerLimits
    keys: ApiKeys
    rates: Rates
    folder: Path
    renderer: Renderer
    renders: FairQueue
    lookups: FairQueue
    started: int = field(default_factory=lambda: int(time.time()))
    metrics: Metrics = field(default_factory=Metrics)
    warm: Event = field(default_factory=Event)
    draining: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        text = "Requests that wait for their turn, or send what they ask for."
        for name, queue in (("renders", self.renders), ("lookups", self.lookups)):
            self.metrics.watch("queue_depth", text, lambda queue=queue: queue.depth, name)
            self.metrics.watch("running", "Requests that have their turn.", lambda queue=queue: queue.running, name)
        self.metrics.watch("ready", "Whether the models are loaded and the server takes requests.", lambda: self.ready)

    @property
    def ready(self) -> bool:
        """Whether it takes requests: the models are loaded, and it is not stopping."""
        return self.warm.is_set() and not self.draining.is_set()

    @property
    def idle(self) -> bool:
        """Whether no request is being answered, apart from those that need no model."""
        return self.renders.idle and self.lookups.idle

    @property
    def running(self) -> bool:
        """Whether a request has its turn."""
        return self.renders.running or self.lookups.running

    @cached_property
    def space(self) -> StyleSpace:
        """The named styles."""
        return StyleSpace.presets()

    def enter(self, queue: FairQueue, user: str) -> Ticket:
        """A place in a queue for a request of `user`, which counts towards their rate. Raises ApiError, which says when
        to try again, if the queue is full or there were too many requests within a minute.
        """
        if self.draining.is_set():
            raise ApiError(503, "The server is stopping: send the request again in a moment.", retry_after=5)
        try:
            self.rates.check(user)
            ticket = queue.enter(user)
        except TooMany as many:
            said = f"One key may send {many.rate} requests a minute: try again in {many.seconds} seconds."
            raise ApiError(429, said, retry_after=many.seconds) from None
        except Full as full:
            said = "You have as many requests here as one key may have" if full.own else "The queue is full"
            raise ApiError(429, f"{said}: try again in a moment.", retry_after=self._wait(queue)) from None
        self.rates.note(user)
        return ticket

    @contextmanager
    def visit(self, queue: FairQueue, user: str) -> Generator[Visit, None, None]:
        """What one request holds while it is answered."""
        with ExitStack() as stack:
            ticket = self.enter(queue, user)
            stack.callback(ticket.leave)
            folder = Path(tempfile.mkdtemp(dir=self.folder))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            yield Visit(ticket, folder)

    def load(self) -> None:
        """Load the models and paint once with them, so that the first request is as quick as others.

        Raises InputError for a model that is missing or damaged.
        """
        self.renderer.load()
        photo = Picture.open(example_photo()).reduced(WARM_SIDE)
        self.renderer.previews.run(lambda s: s.preview(Task(photo, Style.from_text(WARM_WORDS))))
        for words in WARMED:
            with suppress(InputError):  # some models paint no words
                self.renderer.renders.run(lambda s, words=words: s.render(Task(photo, Style.from_text(words))))
        self.renderer.embeddings([Style.from_text(WARM_WORDS)])
        _ = self.space
        settle()
        self.warm.set()

    def _wait(self, queue: FairQueue) -> int:
        """About how many seconds it takes until a place is free."""
        return max(1, min(MOST_RETRY_SECONDS, math.ceil(self.renderer.usual_seconds * max(1, queue.depth) / 2)))


@dataclass(frozen=True, slots=True)
class Visit:
    """A request while it is answered: its place in the queue, and the folder for its uploads."""

    ticket: Ticket
    folder: Path


@contextmanager
def open_service(
    options: ModelOptions, limits: ServerLimits, keys: ApiKeys, *, per_key: int | None, rate: int | None = None
) -> Generator[Service, None, None]:
    """A service whose uploads lie in one temporary folder, which is deleted at the end.

    One key may have `per_key` requests that wait or run, and send `rate` requests a minute, unless it has a rate of its
    own; None is a part of the queue, and no limit.
    """
    share = per_key or (max(4, limits.queue_size // 4) if keys.digests else limits.queue_size + 1)
    renders, lookups = (FairQueue(size=limits.queue_size, share=share) for _ in range(2))
    renderer = Renderer(options, limits, others_wait=lambda: renders.depth > 0)
    with own_folder(PREFIX) as folder:
        try:
            yield Service(options, limits, keys, Rates(rate, keys.rates), folder, renderer, renders, lookups)
        finally:
            renderer.close()


async def loaded(service: Service, failed: Callable[[Exception], None]) -> None:
    """Load the models in a thread of its own while the server answers; `failed` is told why that did not work."""
    problem: list[Exception] = []

    def load() -> None:
        try:
            service.load()
        except Exception as error:
            problem.append(error)

    thread = Thread(target=load, name="load", daemon=True)
    thread.start()
    while thread.is_alive():
        await asyncio.sleep(0.1)
    if problem:
        failed(problem[0])
        return
    Thread(target=service.renderer.load_others, name="load others", daemon=True).start()

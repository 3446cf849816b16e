"""The page's two models, each used by one thread only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import SimpleQueue
from threading import Event
from typing import Any, TypeVar

from diffstyle import InputError, Picture, Result, Style, Stylizer, Task
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.base import Step
from diffstyle.engines.registry import default_engine_of, engine_names, engine_settings, interactive_engine

T = TypeVar("T")
PREVIEW_SIDE = 512


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a render: `done` of `total` steps, and the unfinished picture if it is quick to show."""

    done: int
    total: int
    picture: Picture | None


class Worker:
    """A Stylizer and the only thread that uses it. It is loaded with the first job."""

    def __init__(self, load: Callable[[], Stylizer], name: str) -> None:
        self._load, self._stylizer = load, None
        self._last: Future[Any] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def submit(self, job: Callable[[Stylizer], T]) -> Future[T]:
        """Queue a job."""
        future = self._thread.submit(lambda: job(self._ready()))
        self._last = future
        return future

    @property
    def busy(self) -> bool:
        """Whether a job runs or waits."""
        return self._last is not None and not self._last.done()

    def run(self, job: Callable[[Stylizer], T]) -> T:
        """Queue a job and wait for its result."""
        return self.submit(job).result()

    def close(self) -> None:
        """Drop the queued jobs; the running one goes on to its end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _ready(self) -> Stylizer:
        if self._stylizer is None:
            self._stylizer = self._load()
        return self._stylizer


class Renderer:
    """Two workers, one for previews and one for renders, which do not wait for each other."""

    def __init__(self, options: ModelOptions | None = None) -> None:
        """`options` say which model renders; the starter makes the previews."""
        self.options = options or ModelOptions()
        self.previews = Worker(Stylizer.load, "previews")
        self.renders = Worker(lambda: Stylizer.of(self.options), "renders")

    @property
    def default_engine(self) -> str:
        """The name of the engine that renders when none is chosen."""
        return default_engine_of(self.options)

    def load(self) -> None:
        """Load all engines, one after the other: while one loads, diffusers changes torch's default dtype for all
        threads.

        Raises InputError if the model is missing or damaged. Errors of other engines are ignored here and raised when
        they are asked to render.
        """
        self.previews.run(lambda stylizer: stylizer.engine(interactive_engine()))
        self.renders.run(lambda stylizer: stylizer.engine())
        for name in engine_names():
            with suppress(InputError):
                self.renders.run(lambda stylizer, name=name: stylizer.engine(name))

    def measure(self, style: Style) -> Style:
        """`style` with the statistics that previews need and its embedding in the starter's space, where it can be
        compared with the named styles.
        """

        def measure(stylizer: Stylizer) -> Style:
            return stylizer.encoder.encode(stylizer.engine(interactive_engine()).measure(style))

        return self.previews.run(measure)

    def preview(self, task: Task) -> Result:
        """The task by the interactive engine, in the size of its content."""
        return self.previews.run(lambda stylizer: stylizer.preview(replace(task, size=None)))

    def draft(self, task: Task) -> Result | None:
        """A draft by the engine that will render the task, in the size of its content; None if that engine makes none
        or a render runs.
        """
        if self.renders.busy or self._drafting_settings(task) is None:
            return None
        return self.renders.run(lambda stylizer: stylizer.draft(replace(task, size=None)))

    def _drafting_settings(self, task: Task) -> EngineSettings | None:
        return engine_settings(self.default_engine if task.engine is None else task.engine).draft()

    def render(self, task: Task, cancel: Event) -> Iterator[Progress | Result]:
        """The steps as they are done, then the result.

        Raises Cancelled at most one step after `cancel` is set.
        """
        yield from stream(self.renders, lambda stylizer, on_step: stylizer.render(task, on_step), cancel)

    def close(self) -> None:
        """Drop the queued jobs of both workers."""
        self.previews.close()
        self.renders.close()


def stream(
    worker: Worker, render: Callable[[Stylizer, Callable[[Step], bool | None]], T], cancel: Event
) -> Iterator[Progress | T]:
    """The steps of `render` as they are done, then what it returns. Closing the generator cancels the render.

    Steps that are done before the consumer asks for the next one are skipped.
    """
    updates: SimpleQueue[Progress | None] = SimpleQueue()
    closed, requested = Event(), Event()

    def on_step(step: Step) -> bool | None:
        if cancel.is_set() or closed.is_set():
            return False
        if requested.is_set():
            requested.clear()
            updates.put(Progress(step.done, step.total, step.preview() if step.preview else None))
        return None

    future = worker.submit(lambda stylizer: render(stylizer, on_step))
    future.add_done_callback(lambda _: updates.put(None))
    try:
        requested.set()
        while (progress := updates.get()) is not None:
            yield progress
            requested.set()
        yield future.result()
    finally:
        closed.set()

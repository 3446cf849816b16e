"""The painters of the page: models that are loaded once, each with a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

from diffstyle import Picture, Result, Style, Stylizer, Task
from diffstyle.core.model_options import ModelOptions
from diffstyle.engines.base import Step

T = TypeVar("T")
PREVIEW_SIDE = 512


class Painter:
    """A Stylizer that one thread alone ever touches; it is loaded when it first paints."""

    def __init__(self, load: Callable[[], Stylizer], name: str) -> None:
        self._load, self._stylizer = load, None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    def submit(self, job: Callable[[Stylizer], T]) -> Future[T]:
        return self._thread.submit(lambda: job(self._ready()))

    def run(self, job: Callable[[Stylizer], T]) -> T:
        """What `job` makes of the Stylizer, when its turn has come."""
        return self.submit(job).result()

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _ready(self) -> Stylizer:
        if self._stylizer is None:
            self._stylizer = self._load()
        return self._stylizer


@dataclass(frozen=True, slots=True)
class Progress:
    """A render under way: `done` of `total` steps, and the picture as it is now where that is quick to show."""

    done: int
    total: int
    picture: Picture | None


class Studio:
    """Previews and renders do not wait for each other: each kind has a painter of its own."""

    def __init__(self, options: ModelOptions | None = None) -> None:
        """`options` say which model renders; previews are always the starter's."""
        self.options = options or ModelOptions()
        self.previews = Painter(Stylizer.load, "previews")
        self.renders = Painter(lambda: Stylizer.of(self.options), "renders")

    def load(self) -> None:
        """Load both, one after the other: while a model loads, diffusers changes torch's default dtype for all threads.

        Raises InputError for a model that is missing or damaged.
        """
        self.previews.run(lambda stylizer: stylizer.engine("adain"))
        self.renders.run(lambda stylizer: stylizer.engine("diffusion"))

    def measured(self, style: Style) -> Style:
        """`style` with all that previews need of it, and its place among the named styles, without its pictures."""

        def measure(stylizer: Stylizer) -> Style:
            return stylizer.encoder.encode(stylizer.measure(style, "adain"))

        return self.previews.run(measure)

    def preview(self, task: Task) -> Result:
        """The instant picture at the size of the task's content."""
        quick = replace(task, engine="adain", size=None, texture=0.0)
        return self.previews.run(lambda stylizer: stylizer.render(quick))

    def render(self, task: Task, cancel: Event) -> Iterator[Progress | Result]:
        """Steps as they are done, then the result, by the engine that the task names.

        Raises Cancelled within a step of `cancel` being set.
        """
        yield from followed(self.renders, lambda stylizer, told: stylizer.render(task, told), cancel)

    def close(self) -> None:
        self.previews.close()
        self.renders.close()


def followed(
    painter: Painter, paint: Callable[[Stylizer, Callable[[Step], bool | None]], T], cancel: Event
) -> Iterator[Progress | T]:
    """The steps of `paint` as they are done, then what it returns; it is told to stop when nobody looks any more."""
    news: SimpleQueue[Progress | None] = SimpleQueue()
    left, waited_for = Event(), Event()

    def told(step: Step) -> bool | None:
        if cancel.is_set() or left.is_set():
            return False
        if waited_for.is_set():  # else the last step is still on its way to the page: this one is not shown
            waited_for.clear()
            news.put(Progress(step.done, step.total, step.preview() if step.preview else None))
        return None

    painted = painter.submit(lambda stylizer: paint(stylizer, told))
    painted.add_done_callback(lambda _: news.put(None))
    try:
        waited_for.set()
        while (progress := news.get()) is not None:
            yield progress
            waited_for.set()
        yield painted.result()
    finally:
        left.set()

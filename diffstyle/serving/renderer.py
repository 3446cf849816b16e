"""`Renderer`: a server's two models, each used by one thread only, whatever route a request comes by."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from threading import Event
from typing import TypeVar

from torch import Tensor

from diffstyle.assets.hub import STARTER
from diffstyle.assets.zoo import example_photo
from diffstyle.core.cancelling import cancellable, check_cancelled
from diffstyle.core.errors import Cancelled, InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import Picture
from diffstyle.core.settings import EngineSettings
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.engines.base import Step
from diffstyle.engines.registry import (
    default_engine_of,
    engine_names,
    engine_settings,
    exported,
    import_engine,
    interactive_engine,
    settings_class,
)
from diffstyle.formats.result import Result
from diffstyle.serving.durations import Durations
from diffstyle.serving.gate import POLL_SECONDS, WAITING, Gate
from diffstyle.serving.limits import ServerLimits
from diffstyle.serving.memory import give_back
from diffstyle.serving.progress import Progress, every_step, no_step, stream
from diffstyle.serving.worker import Worker
from diffstyle.stylizer import Stylizer

T = TypeVar("T")
PREVIEW_SIDE = 512
SMALL = 2.0  # megapixels
WARM_SIDE = 64
WARM_WORDS = "oil painting by Monet"
QUIET_SECONDS = 10.0
FIRST_GUESS = 4.0  # seconds of a render, before one was made
DRAFT_FACTOR = 3.0  # a render's time a pixel over that of a draft, before one was made


class Renderer:
    """A worker for previews, one for renders, and gates behind which pictures are decoded and recipes are read; none
    waits for another.
    """

    def __init__(
        self,
        options: ModelOptions | None = None,
        limits: ServerLimits | None = None,
        *,
        others_wait: Callable[[], bool] = lambda: False,
    ) -> None:
        """`options` say which model renders; the starter makes the previews, by torch, which reads a photo once for all
        settings.

        While `others_wait`, memory of small renders is kept for the next one: to return it takes a tenth of their time.
        """
        self._others_wait = others_wait
        self.options, self.limits = options or ModelOptions(), limits or ServerLimits()
        self.pictures = Gate("pictures")
        self.recipes = Gate("recipes", waiting=max(WAITING, self.limits.queue_size))
        self.previews = Worker(Stylizer.load, "previews")
        self.renders = Worker(lambda: Stylizer.of(self.options, mixed=True), "renders")
        self._durations = Durations()
        self._rendering: set[object] = set()  # full renders that run or wait

    @property
    def default_engine(self) -> str:
        """The name of the engine that renders when none is chosen."""
        return default_engine_of(self.options)

    def chooses(self, engine: EngineSettings, styles: Sequence[Style]) -> bool:
        """Whether `engine` is what paints `styles` when nobody says which, with its settings as they are."""
        return engine == self.settings_for(None, styles)

    def settings_for(self, engine: EngineSettings | str | None, styles: Sequence[Style]) -> EngineSettings:
        """Those of `engine`, or if it is None, the defaults of what paints `styles` when nobody says which."""
        if engine is not None:
            return engine_settings(engine)
        return engine_settings(default_engine_of(self.options, prompts=[style.prompts for style in styles]))

    @property
    def training_options(self) -> ModelOptions:
        """What trains beside this server, and paints for it: torch, whatever runs the renders."""
        return replace(self.options, runtime=ModelOptions().runtime)

    @property
    def runtimes(self) -> str | None:
        """What runs which engines, in a sentence, where it is not torch alone."""
        runtime = self.options.runtime
        with_export = exported(runtime)
        others = [name for name in engine_names() if name not in with_export]
        if not with_export:
            return None
        return f"{runtime} runs {_listed(with_export)}; torch runs {_listed(others)}, and models without an export."

    @property
    def first_choice(self) -> str | None:
        """The engine that the page begins with; None where the style chooses."""
        return None if self.options.model == STARTER else self.default_engine

    def load(self) -> None:
        """Load what previews and renders need; InputError if the model is missing or damaged.

        Their networks are converted for another runtime than torch now, where they have not been before; those of whole
        models in `load_others`.
        """
        self._load(None)
        for name in engine_names():
            if not whole_model(name):
                self._load(name)
                self._convert(name)

    def load_others(self) -> None:
        """Load the other engines, each when nobody has asked for anything for `QUIET_SECONDS`: they take seconds, in
        which all else is slow.

        Their errors are ignored here, and raised when they are asked to render.
        """
        for name in filter(whole_model, engine_names()):
            with suppress(InputError):
                self._await_quiet()
                import_engine(name)
                self._load(name)
                self._convert(name)

    def _load(self, name: str | None) -> None:
        """Load an engine for renders, while no preview is painted: diffusers changes torch's default dtype meanwhile,
        for all threads.
        """
        self.previews.run(lambda _: self.renders.run(lambda stylizer: stylizer.engine(name)))

    def _convert(self, name: str) -> None:
        """Convert an engine's networks for the runtime of renders, if it has one, by painting a small picture."""
        if name in exported(self.options.runtime):
            words = next(iter(engine_settings(name).style_names()), WARM_WORDS)
            task = Task(Picture.open(example_photo()).reduced(WARM_SIDE), Style.from_text(words), engine=name)
            self.renders.run(lambda stylizer: stylizer.render(task))

    def _await_quiet(self) -> None:
        quiet = 0.0
        while quiet < QUIET_SECONDS:
            time.sleep(POLL_SECONDS)
            quiet = 0.0 if self.previews.busy or self.renders.busy else quiet + POLL_SECONDS

    def measure(self, style: Style) -> Style:
        """`style` with the statistics that previews need and its embedding in the starter's space, where it can be
        compared with the named styles.
        """

        def measure(stylizer: Stylizer) -> Style:
            return stylizer.encoder.encode(stylizer.engine(interactive_engine()).measure(style))

        return self.previews.run(measure)

    def complete(self, style: Style) -> Style:
        """`style` with all that the default engine, the preview and searches need of it: what a style file keeps."""
        return self.renders.run(lambda stylizer: stylizer.measure(stylizer.encoder.encode(style, partial=True)))

    def preview(self, task: Task) -> Result:
        """The task in the size of its content by its own engine, if that is as quick for such styles as those are that
        draw by rule; else by the interactive engine.
        """

        own = self.is_instant(task)

        def paint(stylizer: Stylizer, task: Task) -> Result:
            return stylizer.render(task) if own else stylizer.preview(task)

        return self.previews.run(lambda stylizer: self._quick(lambda t: paint(stylizer, t), task))

    def is_instant(self, task: Task) -> bool:
        """Whether the engine that will render the task paints it so quickly that a preview is the render itself."""
        return self.settings_for(task.engine, task.styles).is_instant([style.prompts for style in task.styles])

    def draft(self, task: Task) -> Result | None:
        """A draft by the engine that will render the task, in the size of its content; None if that engine makes none
        or a render runs.
        """
        if self._rendering:
            return None
        return self.renders.run(lambda stylizer: self._quick(stylizer.draft, task))

    def sketch(self, task: Task, cancel: Event) -> Result:
        """The task by the engine that will render it, in the size of its content, as a draft where that engine makes
        drafts; it waits its turn. Raises Cancelled as soon as `cancel` is set, and InputError beyond the limits.
        """

        def job(stylizer: Stylizer, on_step: Callable[[Step], bool | None]) -> Result:
            own = stylizer.settings_for(task)
            small = replace(task, size=None, engine=own.draft() or own)
            return stylizer.render(self.limits.check_task(small), on_step)

        own = object()
        if self.settings_for(task.engine, task.styles).draft() is None:  # it takes long: no drafts meanwhile
            self._rendering.add(own)
        try:
            late, seconds = self.limits.too_slow(), self.limits.max_seconds
            for step in stream(self.renders, job, cancel, seconds=seconds, late=late, show=no_step):
                if isinstance(step, Result):
                    return step
            raise Cancelled
        finally:
            self._rendering.discard(own)

    def tile(self, content: Picture, style: Style) -> Picture | None:
        """A small picture in a style, as it will be rendered or else as it is previewed; None while anything else is
        painted.
        """
        if self.renders.busy:
            return None
        task = Task(content, style)
        return self.renders.run(lambda stylizer: (stylizer.draft(task) or stylizer.preview(task)).picture)

    def embeddings(self, styles: Sequence[Style]) -> list[Tensor]:
        """The embedding of each style in the starter's space."""

        def embed(stylizer: Stylizer) -> list[Tensor]:
            return [stylizer.encoder.encode(style).embedding_in(stylizer.encoder.space) for style in styles]

        return self.previews.run(embed)

    def _quick(self, paint: Callable[[Task], T], task: Task) -> T:
        """What `paint` makes of the task within the limits, in the size of its content."""
        started = time.monotonic()
        limit = self.limits.max_seconds
        try:
            with cancellable(lambda: time.monotonic() - started > limit):
                return paint(self.limits.check_task(replace(task, size=None)))
        except Cancelled:
            raise self.limits.too_slow() from None

    def render(
        self,
        task: Callable[[], Task],
        cancel: Event,
        finish: Callable[[Result], T],
        *,
        show: Callable[[Step], bool] = every_step,
    ) -> Iterator[Progress | T]:
        """The steps as they are done, with the picture so far of those that `show` accepts, then what `finish` makes of
        the result.

        `task` and `finish` run behind the gate too: a photo is decoded when it is its turn, and what is large stays
        there. Raises Cancelled as soon as `cancel` is set, and InputError beyond the limits.
        """

        def job(stylizer: Stylizer, on_step: Callable[[Step], bool | None]) -> T:
            large = True
            try:
                began = time.monotonic()
                result = stylizer.render(self.limits.check_task(task()), on_step)
                check_cancelled()
                seconds, size = time.monotonic() - began, megapixels(result.picture.size)
                self._durations.note(result.task.engine.name, size, seconds)
                large = size > SMALL
                return finish(result)
            finally:
                stylizer.forget()  # the next photo is another one
                if large or not self._others_wait():
                    give_back()

        own = object()
        self._rendering.add(own)
        try:
            late = self.limits.too_slow()
            yield from stream(self.renders, job, cancel, seconds=self.limits.max_seconds, late=late, show=show)
        finally:
            self._rendering.discard(own)

    def follow(self, job: Callable[[Stylizer, Callable[[Step], bool | None]], T]) -> Iterator[Progress | T]:
        """The steps of a long `job` as it reports them, then what it returns; it keeps to the limits by itself. Closing
        the generator cancels it: a report is then answered False.
        """

        def run(stylizer: Stylizer, on_step: Callable[[Step], bool | None]) -> T:
            try:
                return job(stylizer, on_step)
            finally:
                stylizer.forget()
                give_back()

        own = object()
        self._rendering.add(own)
        try:
            yield from stream(self.renders, run, Event(), seconds=math.inf, late=self.limits.too_slow())
        finally:
            self._rendering.discard(own)

    def estimate(self, draft: Result, size: tuple[int, int]) -> float:
        """About how many seconds the render of a `draft` will take at `size`."""
        engine = draft.task.engine
        factor = 1.0 if engine.is_instant([style.prompts for style in draft.task.styles]) else DRAFT_FACTOR
        drafted = factor * sum(draft.seconds.values()) / megapixels(draft.picture.size)
        known = self._durations.estimate(engine.name, megapixels(size))
        return drafted * megapixels(size) if known is None else known

    @property
    def usual_seconds(self) -> float:
        """About how many seconds any render takes."""
        return self._durations.usual() or FIRST_GUESS

    def close(self) -> None:
        """Drop the queued jobs of all gates."""
        self.pictures.close()
        self.recipes.close()
        self.previews.close()
        self.renders.close()


def whole_model(engine: str) -> bool:
    """Whether the engine of that name loads a model of diffusers, as those do that take adapters."""
    return bool(settings_class(engine).capabilities.adapters)


def _listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def megapixels(size: tuple[int, int]) -> float:
    """Of a picture of `size` (width, height)."""
    return size[0] * size[1] / 1e6

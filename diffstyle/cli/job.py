"""`Request` and `Job`: what the command line paints any number of photos by."""

from __future__ import annotations

import contextlib
import gc
import json
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffstyle.cli.asked import Asked, StyleOptions
from diffstyle.cli.file_options import FileOptions
from diffstyle.cli.progress import say
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import EngineSettings, Settings

if TYPE_CHECKING:
    from diffstyle.core.picture import Picture
    from diffstyle.core.task import ResolvedTask
    from diffstyle.engines.base import OnStep
    from diffstyle.formats.result import Result
    from diffstyle.stylizer import Stylizer


@dataclass(frozen=True, slots=True)
class Request:
    """The options that are the same for every photo of a run."""

    style: StyleOptions
    settings: Settings
    engine: EngineSettings
    options: ModelOptions
    files: FileOptions


@contextlib.contextmanager
def no_garbage_collection() -> Generator[None]:
    """Skip garbage collection while thousands of modules load; it takes half a second and finds nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass(frozen=True, slots=True)
class Job:
    """A request with its styles read and its model loaded."""

    request: Request
    stylizer: Stylizer
    asked: Asked
    tell: Callable[[str], None] = say
    _hinted: set[str] = field(default_factory=lambda: set[str]())

    @classmethod
    def of(cls, request: Request, asked: Asked | None = None, tell: Callable[[str], None] = say) -> Job:
        """Load the model, and read the styles unless they are `asked` already; `tell` is given what there is to note.

        Raises InputError for styles and models that cannot be used.
        """
        with no_garbage_collection():
            from diffstyle.stylizer import Stylizer

            asked = asked or Asked.of(request.style)
            return cls(request, Stylizer.of(request.options), asked, tell)

    def prepared(self, content: Picture) -> ResolvedTask:
        """The task of one photo; tells once of each style whether its words are hardly known."""
        from diffstyle.cli.hints import hint_of

        task = self.stylizer.prepare(self.asked.task(content, self.request.settings, self.request.engine))
        for style in task.styles:
            if style.digest() not in self._hinted:
                self._hinted.add(style.digest())
                if hint := hint_of(style):
                    self.tell(hint)
        return task

    def paint(self, picture: Picture, target: Path, *, on_step: OnStep | None = None) -> Result:
        """Paint a photo and save the result as `target`, whole or not at all.

        Raises InputError for what cannot be painted or written.
        """
        from diffstyle.core.picture import fitted
        from diffstyle.formats.picture_file import check_output

        settings, files = self.request.settings, self.request.files
        size = picture.size if settings.size is None else fitted(picture.size, settings.size)
        check_output(target, size, depth=files.depth)
        task = self.prepared(picture)
        references = [p for style in task.styles for r in style.references for p in r.pictures]
        self._note([n for p in (picture, *references) for n in p.notes])
        result = self.stylizer.render(task, on_step=on_step)
        self._note(result.picture.notes)
        result.save(target, depth=files.depth, recipe=not files.no_recipe)
        return result

    def _note(self, notes: Sequence[str]) -> None:
        for note in () if self.request.files.json_lines else dict.fromkeys(notes):
            self.tell(note)

    def record(self) -> dict[str, object]:
        """All that decides about a picture but its photo, as JSON values."""
        from diffstyle._version import __version__
        from diffstyle.assets.zoo import adapter_info
        from diffstyle.core.fields import values_of

        request, asked = self.request, self.asked
        engine = self.stylizer.engine(request.engine.name)
        styles = [asked.style, *(r.style for r in asked.regions)]
        styles += [] if asked.negative_style is None else [asked.negative_style]
        masks = [*([asked.mask] if asked.mask else []), *(r.mask for r in asked.regions)]
        own = sorted({name for style in styles for name in style.adapters})
        return {
            "version": __version__,
            "styles": [style.digest() for style in styles],
            "masks": [mask.digest() for mask in masks],
            "where": [asked.only, asked.without, request.style.marks()],
            "settings": values_of(request.settings),
            "engine": [request.engine.name, values_of(request.engine)],
            "model": [repr(request.options), dict(engine.weights), dict(engine.runtime)],
            "adapters": [adapter_info(name).sha256 for name in own],
            "file": [request.files.depth, not request.files.no_recipe],
        }

    def say(self, **values: object) -> None:
        """One line for machines."""
        if self.request.files.json_lines:
            print(json.dumps(values), flush=True)


def facts(result: Result, started: float) -> dict[str, Any]:
    """What a line for machines says of a result whose photo was begun at `started`, by `time.perf_counter`."""
    width, height = result.picture.size
    return {
        "width": width,
        "height": height,
        "seconds": round(time.perf_counter() - started, 3),
        "seed": result.task.seed,
        **{name: round(value, 4) for name, value in result.measures.items()},
    }


def reason_of(error: Exception) -> str:
    """One sentence on what a photo failed of."""
    return f"{'' if isinstance(error, InputError) else f'unexpected error, {type(error).__name__}: '}{error}"


def is_done(job: Job, content: Path, target: Path) -> bool:
    """Whether `target` is the very picture that would be painted now."""
    from diffstyle.core.picture import Picture
    from diffstyle.engines.replay import upgraded
    from diffstyle.formats.recipe import Recipe, read_recipe

    try:
        recipe = upgraded(read_recipe(target))
    except InputError:
        return False
    task = job.prepared(Picture.open(content))
    engine = job.stylizer.engine(task.engine.name)
    now = Recipe.of(
        task,
        weights=engine.weights_of(task),
        runtime=engine.runtime,
        options=job.stylizer.options,
        depth=job.request.files.depth,
    )
    return recipe.repeats(now)

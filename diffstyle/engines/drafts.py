"""What the starter paints of a style, as the beginning for another engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import Picture, fitted
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask, with_content
from diffstyle.engines.base import Engine, EngineHost
from diffstyle.engines.registry import default_engine_of, engine_settings, load_engine

LONGEST = 768  # pixels of a draft, which is then enlarged: what follows paints the fine marks


class StarterDrafter:
    """Drafts by the engine that the starter paints such styles with; each is loaded when it is first needed."""

    def __init__(self, host: EngineHost, engines: dict[str, Engine] | None = None) -> None:
        """With the `engines` of another drafter, which are then loaded once for both."""
        self._host = replace(host, options=ModelOptions(device=host.options.device, dtype=host.options.dtype))
        self._engines = {} if engines is None else engines

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        engine, task = self._suited(task)
        return engine.weights_of(task)

    def measure(self, style: Style) -> Style:
        suited = _name(style)  # alone; beside styles of other regions the default engine may have to paint it
        measured = self.with_exemplars(style)
        return measured if suited == default_engine_of(ModelOptions()) else self._engine(suited).measure(measured)

    def with_exemplars(self, style: Style) -> Style:
        return self._engine(default_engine_of(ModelOptions())).measure(style)

    def draft(self, task: ResolvedTask) -> Picture:
        """Painted at up to LONGEST pixels, without the mask and the size of the task."""
        content = task.content
        engine, task = self._suited(task)
        if max(content.size) > LONGEST:
            small = fitted(content.size, LONGEST)
            task = with_content(task, content.resized(small), lambda mask: mask.resized(small))
        painted = engine.render(task)
        return painted if painted.size == content.size else painted.resized(content.size)

    def _suited(self, task: ResolvedTask) -> tuple[Engine, ResolvedTask]:
        """The engine that drafts a task, and the task as it does."""
        name = _name(*task.styles)
        return self._engine(name), replace(
            task, size=None, mask=None, negative_style=None, engine=engine_settings(name)
        )

    def _engine(self, name: str) -> Engine:
        if name not in self._engines:
            beneath = StarterDrafter(self._host, self._engines)  # paints what a medium is drawn over
            self._engines[name] = load_engine(name, replace(self._host, painter=beneath))
        return self._engines[name]


def _name(*styles: Style) -> str:
    """The engine that the starter paints these styles with."""
    return default_engine_of(ModelOptions(), prompts=[style.prompts for style in styles])

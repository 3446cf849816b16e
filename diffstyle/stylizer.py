"""Loads once, renders many."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from diffstyle.controls.resize import Resize
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.base import Engine, OnStep
from diffstyle.errors import InputError
from diffstyle.picture import Picture, PictureLike
from diffstyle.style import Style
from diffstyle.task import EngineName, Result, Settings, Task

if TYPE_CHECKING:
    from diffstyle.encoder import StyleEncoder

_DEFAULT = Settings()
MODELS = ("starter",)


class Stylizer:
    """The engines of one model, ready to render. Not thread-safe: give each thread its own."""

    def __init__(self, engines: dict[EngineName, Engine]) -> None:
        self._engines = engines

    @classmethod
    def load(cls, model: str = "starter", *, device: str | None = None, dtype: torch.dtype | None = None) -> Stylizer:
        """Load `model`. The device is CUDA where there is one, else the CPU; the dtype what is fastest there.

        Raises InputError for an unknown model or weights that are missing or damaged.
        """
        if model not in MODELS:
            raise InputError(f"There is no model called {model!r}: the model is starter.")
        where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        return cls({"adain": Resize(AdaINEngine.load(device=where, dtype=dtype))})

    def stylize(
        self,
        content: PictureLike,
        style: Style,
        *,
        strength: float = _DEFAULT.strength,
        size: int | None = _DEFAULT.size,
        seed: int = _DEFAULT.seed,
        engine: EngineName = _DEFAULT.engine,
        on_step: OnStep | None = None,
    ) -> Result:
        """Repaint `content` in `style`; the settings are those of `Settings`."""
        settings = Settings(strength=strength, size=size, seed=seed, engine=engine)
        return self.render(Task.of(Picture.of(content), style, settings), on_step)

    def render(self, task: Task, on_step: OnStep | None = None) -> Result:
        """Carry out a task. The result's task holds the style as measured, so that it needs no reference pictures."""
        engine = self.engine(task.engine)
        begun = time.perf_counter()
        task = replace(task, style=self.measure(task.style, task.engine))
        measured = time.perf_counter()
        picture = engine.render(task, on_step)
        seconds = {"measure": measured - begun, "render": time.perf_counter() - measured}
        return Result(picture, task, seconds, dict(engine.weights), dict(engine.runtime))

    def engine(self, name: EngineName) -> Engine:
        """The engine called `name`, with its controls."""
        return self._engines[name]

    @cached_property
    def encoder(self) -> StyleEncoder:
        """What reads styles in words; loaded when the first one comes."""
        from diffstyle.encoder import StyleEncoder

        return StyleEncoder.load()

    def measure(self, style: Style, engine: EngineName = _DEFAULT.engine) -> Style:
        """`style` with all that `engine` needs of it inside: what `Style.save` can write."""
        painter = self.engine(engine)
        if any(r.prompt and r.picture is None and painter.space not in r.statistics for r in style.references):
            style = self.encoder.encode(style, partial=True)
        return painter.measure(style)

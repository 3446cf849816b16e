"""A third engine, as somebody would add it: one class of settings, one of the engine, and a line in the registry."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import pytest

from diffstyle import Picture, Style, Task
from diffstyle.core.fields import Range
from diffstyle.core.settings import Capabilities, EngineSettings
from diffstyle.core.task import ResolvedTask, resolve
from diffstyle.engines import registry
from diffstyle.engines.base import EngineHost, OnStep, report


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverting(EngineSettings):
    """Inverts the photo.

    Parameters
    ----------
    amount
        How much of the negative is mixed in.
    steps
        Number of steps that it pretends to take.
    """

    name: ClassVar[str] = "inverting"
    title: ClassVar[str] = "Inverting"
    capabilities: ClassVar[Capabilities] = Capabilities()

    amount: Annotated[float, Range(0, 1)] = 1.0
    steps: Annotated[int, Range(1, 9)] = 2


class InvertingEngine:
    """Mixes the photo with its negative by `strength` times `amount`."""

    capabilities = Inverting.capabilities
    weights: Mapping[str, str] = {}
    runtime: Mapping[str, str] = {"device": "cpu", "dtype": "float32", "threads": "1"}

    def weights_of(self, task: ResolvedTask) -> Mapping[str, str]:
        del task
        return self.weights

    def measure(self, style: Style) -> Style:
        return style

    def prepare(self, task: Task) -> ResolvedTask:
        assert isinstance(task.engine, Inverting)
        return resolve(task, task.engine, self.measure)

    def largest_side(self, task: ResolvedTask) -> int | None:
        del task
        return None

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        assert isinstance(task.engine, Inverting)
        report(on_step, 1, 1)
        share = task.strength * task.engine.amount
        return replace(task.content, pixels=task.content.pixels.lerp(1 - task.content.pixels, share))


def load(host: EngineHost) -> InvertingEngine:
    del host
    return InvertingEngine()


@contextmanager
def registered() -> Generator[None, None, None]:
    """While it is in the registry."""
    entry = registry.Entry("inverting", f"{__name__}:Inverting", f"{__name__}:load")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "ENGINES", (*registry.ENGINES, entry))
        yield

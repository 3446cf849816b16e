"""What every control leaves as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from diffstyle.engines.base import Engine, S
from diffstyle.style import Style


class Wrapper:
    """The part of an engine that a control around it does not change."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def needs(self) -> Literal["references", "embedding"]:
        return self.engine.needs

    @property
    def space(self) -> str:
        return self.engine.space

    @property
    def weights(self) -> Mapping[str, str]:
        return self.engine.weights

    @property
    def runtime(self) -> Mapping[str, str]:
        return self.engine.runtime

    def settled(self, task: S) -> S:
        return self.engine.settled(task)

    def measure(self, style: Style) -> Style:
        return self.engine.measure(style)

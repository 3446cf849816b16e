"""The settings that searches vary, each with the span in which it is worth looking."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from diffstyle.core.settings import Capabilities, Settings

DIGITS = 2  # as sliders show numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A setting that is a number: `low` to `high`, looked at by its logarithm if it is `log`."""

    name: str
    low: float
    high: float
    log: bool = False

    def place(self, value: float) -> float:
        """Where `value` is, from 0 at `low` to 1 at `high`; values outside are brought to the ends."""
        low, high, at = self._scaled(self.low), self._scaled(self.high), self._scaled(value)
        return min(1.0, max(0.0, (at - low) / (high - low))) if high > low else 0.0

    def value(self, place: float) -> float:
        """The value at a `place` in [0, 1], to two digits."""
        low, high = self._scaled(self.low), self._scaled(self.high)
        at = low + (high - low) * place
        return round(min(self.high, max(self.low, math.exp(at) if self.log else at)), DIGITS)

    def including(self, value: float) -> Span:
        """The span, wide enough for `value`."""
        return replace(self, low=min(self.low, value), high=max(self.high, value))

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.log else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A setting that is one of a few words."""

    name: str
    options: tuple[str, ...]


STRENGTH = Span(name="strength", low=0.3, high=1.0)
STRUCTURE = Span(name="structure", low=0.0, high=1.0)
STROKE = Span(name="stroke", low=0.5, high=2.0, log=True)
COLOUR = Choice(name="colour", options=("off", "keep", "match"))  # `palette` paints no marks


def spans(can: Capabilities) -> tuple[Span, ...]:
    """The numbers that an engine with these capabilities honours."""
    return (STRENGTH, STRUCTURE, STROKE) if can.structure else (STRENGTH, STROKE)


def choices(start: Settings | None = None) -> tuple[Choice, ...]:
    """The words, which every engine honours; they include those of `start`."""
    own = () if start is None else (start.colour,)
    return (replace(COLOUR, options=tuple(dict.fromkeys((*COLOUR.options, *own)))),)

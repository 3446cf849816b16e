"""Targets of a search for settings, such as "content>=0.6, style=max"."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from diffstyle.core.errors import InputError
from diffstyle.evaluation.case import Case
from diffstyle.evaluation.metrics.registry import BY_NAME, Metric, chosen

_TERM = re.compile(r"(?P<name>[\w-]+)\s*(?P<sign>>=|<=|=)\s*(?P<what>max|min|[-+]?\d*\.?\d+)")
CONTENT, STYLE = "content", "style"  # short for content-lite, and for 1 - style-lite: higher is better in both


@dataclass(frozen=True, slots=True)
class Term:
    """One figure with its goal: maximised, minimised, or kept on one side of `limit`."""

    name: str
    goal: Literal["max", "min"]
    limit: float | None = None

    @property
    def metric(self) -> Metric:
        return BY_NAME[{CONTENT: "content-lite", STYLE: "style-lite"}.get(self.name, self.name)]

    def value(self, case: Case) -> float:
        """The figure of a result."""
        found = float(self.metric.of_case(case))
        return 1 - found if self.name == STYLE else found

    def missed(self, value: float) -> float:
        """By how much a value is on the wrong side of the limit; 0 where there is none."""
        if self.limit is None:
            return 0.0
        return max(0.0, self.limit - value if self.goal == "max" else value - self.limit)


@dataclass(frozen=True, slots=True)
class Target:
    """The terms of a search; each figure occurs once."""

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str) -> Target:
        """The target in words such as "content>=0.6, style=max". InputError for what cannot be searched for."""
        terms: list[Term] = []
        for part in text.split(","):
            match = _TERM.fullmatch(part.strip())
            if match is None:
                raise InputError(f'Cannot read "{part.strip()}" in --target: write it as "content>=0.6, style=max".')
            terms.append(_term(match["name"], match["sign"], match["what"]))
        if len({t.name for t in terms}) < len(terms):
            raise InputError(f'The target "{text}" names a figure twice: give each one once.')
        if all(t.limit is not None for t in terms):
            raise InputError(f'The target "{text}" has limits alone: say what to find within them, as style=max.')
        return cls(tuple(terms))

    def front(self, found: Sequence[Mapping[str, float]]) -> list[int]:
        """The indices of the results that no other one equals or beats in every figure."""
        points = [[f[t.name] * (1 if t.goal == "max" else -1) for t in self.terms] for f in found]

        def beaten(n: int) -> bool:
            mine = points[n]
            return any(all(a >= b for a, b in zip(p, mine, strict=True)) and p != mine for p in points)

        return [n for n in range(len(points)) if not any(map(math.isnan, points[n])) and not beaten(n)]

    def best(self, found: Sequence[Mapping[str, float]]) -> int:
        """The index of the result that misses the limits least and, of those that are equal in this, has the best mean
        of what is to be max or min, each scaled by its span over the results. Results with NaN come last.
        """
        goals = [t for t in self.terms if t.limit is None]

        def rank(n: int) -> tuple[float, float]:
            if any(math.isnan(found[n][t.name]) for t in self.terms):
                return -math.inf, -math.inf
            missed = sum(t.missed(found[n][t.name]) for t in self.terms)
            return -round(missed, 6), sum(_scaled(t, n, found) for t in goals)

        return max(range(len(found)), key=rank)


def _scaled(term: Term, n: int, found: Sequence[Mapping[str, float]]) -> float:
    finite = [f[term.name] for f in found if math.isfinite(f[term.name])]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    share = min(1.0, max(0.0, (found[n][term.name] - low) / max(high - low, 1e-9)))
    return share if term.goal == "max" else 1 - share


def _term(name: str, sign: str, what: str) -> Term:
    if name not in (CONTENT, STYLE):
        (metric,) = chosen([name])
        if metric.embed or metric.of == "cost":
            raise InputError(f"{name} is no figure of one picture: it cannot be a target.")
        metric.available()
    if sign == "=":
        if what not in ("max", "min"):
            raise InputError(f"{name}={what} is no target: write {name}=max, {name}=min, or {name}>={what}.")
        return Term(name, "max" if what == "max" else "min")
    if what in ("max", "min"):
        raise InputError(f"{name}{sign}{what} is no target: write {name}={what}.")
    return Term(name, "max" if sign == ">=" else "min", float(what))

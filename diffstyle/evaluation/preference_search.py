"""Searches settings by picks: a person sees six renders, picks the best one, and the next six surround it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from diffstyle.core.errors import InputError
from diffstyle.core.settings import Capabilities, Settings
from diffstyle.evaluation.axes import STROKE, Choice, Span, choices, spans

CANDIDATES, ROUNDS = 6, 5
RADIUS, SHRINKING = 0.35, 0.7  # half the side of the box around the first pick, of a span of 1; a factor for each round
OTHER_WORDS = (3, 2, 1, 1)  # after each pick, how many of the five new candidates leave its colours
_TRIES = 32  # Latin hypercubes of which one is taken

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A candidate: the places of its numbers in their spans, and its words."""

    places: tuple[float, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceSearch:
    """The state of a search: all of it follows from `start`, `seed` and the `picks` so far, and no method changes it.

    An interactive evolution strategy (Takagi 2001, "Interactive evolutionary computation") with one parent, the last
    pick, which competes again, and five children. Children of the first round cover the whole of each span, those of
    later ones a box around the parent, whose side shrinks by `SHRINKING` a round. They are points of a maximin Latin
    hypercube (Morris & Mitchell 1995, "Exploratory designs for computational experiments"): each setting has five
    different values, and no two children are alike, which would tell nothing. A departure from evolution strategies:
    the step size follows a schedule and not the rate of successes, for which five rounds are too few.

    Example:
        search = PreferenceSearch.begin(Settings(), engine.capabilities)
        while not search.finished:
            search = search.pick(ask([render(settings) for settings in search.candidates]))
        render(search.best)
    """

    start: Settings
    spans: tuple[Span, ...]
    choices: tuple[Choice, ...]
    seed: int = 0
    picks: tuple[int, ...] = ()

    @classmethod
    def begin(
        cls, start: Settings, can: Capabilities, *, seed: int = 0, least_stroke: float = STROKE.low
    ) -> PreferenceSearch:
        """A search among what an engine with these capabilities honours, around `start`, whose other settings stay.

        Strokes without a size have that of 1 from now on, so that small renders show those of large ones. No new stroke
        is smaller than `least_stroke`, which limits the time of renders, or than that of `start` if it is smaller.
        """
        if start.stroke is None:
            start = replace(start, stroke=max(1.0, least_stroke))
        found = [replace(s, low=min(least_stroke, s.high)) if s.name == STROKE.name else s for s in spans(can)]
        return cls(
            start=start,
            spans=tuple(s.including(getattr(start, s.name)) for s in found),
            choices=choices(start),
            seed=seed,
        )

    @property
    def round(self) -> int:
        """The number of this round, from 1 to ROUNDS; ROUNDS + 1 when the search has finished."""
        return len(self.picks) + 1

    @property
    def finished(self) -> bool:
        """Whether there was a pick in every round."""
        return len(self.picks) >= ROUNDS

    @property
    def kept(self) -> int | None:
        """Which of the candidates is the last pick, which stays in its place; None in the first round."""
        return self.picks[-1] if self.picks else None

    @property
    def best(self) -> Settings:
        """The settings that were picked last; those of the start before the first pick."""
        return self.start if not self.picks else self.candidates[self.picks[-1]]

    @property
    def candidates(self) -> tuple[Settings, ...]:
        """The settings to choose from in this round: six that differ, the first of them the start in the first round,
        later the last pick in its place.
        """
        return tuple(map(self._settings, self._points()))

    def pick(self, n: int) -> PreferenceSearch:
        """The search after the candidate `n`, from 0, was picked; InputError if there is none, or after the end."""
        if self.finished:
            raise InputError("This search has ended: begin another one.")
        if not 0 <= n < CANDIDATES:
            raise InputError(f"There is no candidate {n}: pick one from 0 to {CANDIDATES - 1}.")
        return replace(self, picks=(*self.picks, n))

    def back(self) -> PreferenceSearch:
        """The search before the last pick; itself in the first round."""
        return replace(self, picks=self.picks[:-1])

    def _points(self) -> list[Point]:
        """The candidates of this round, from those of the rounds before."""
        rng = np.random.default_rng((self.seed, 0))
        points = self._first(rng)
        for n, at in enumerate(self.picks):
            rng = np.random.default_rng((self.seed, n + 1, *self.picks[: n + 1]))
            points = self._around(points, at, RADIUS * SHRINKING**n, OTHER_WORDS[min(n, len(OTHER_WORDS) - 1)], rng)
        return points

    def _first(self, rng: np.random.Generator) -> list[Point]:
        start = self._point(self.start)
        low, high = np.zeros(len(self.spans)), np.ones(len(self.spans))
        places = _spaced(rng, start.places, low, high)
        # words in turn, those of the start once less, because it is there already
        turns = [[*_others(c, w), *([w, *_others(c, w)] * CANDIDATES)] for c, w in self._pairs(start)]
        words = [rng.permutation(turn[: CANDIDATES - 1]).tolist() for turn in turns]
        return [start, *_joined(places, words)]

    def _around(
        self, points: Sequence[Point], at: int, radius: float, leave: int, rng: np.random.Generator
    ) -> list[Point]:
        parent = points[at]
        centre = np.array(parent.places)
        low, high = (np.clip(centre + side, 0, 1) for side in (-radius, radius))
        places = _spaced(rng, parent.places, low, high)
        words: list[list[str]] = []
        for choice, word in self._pairs(parent):
            others = rng.permutation(_others(choice, word)).tolist()
            leaving = [others[n % len(others)] for n in range(leave)] if others else []
            words.append(rng.permutation([*leaving, *[word] * (CANDIDATES - 1 - len(leaving))]).tolist())
        children = _joined(places, words)
        return [*children[:at], parent, *children[at:]]

    def _pairs(self, point: Point) -> list[tuple[Choice, str]]:
        return list(zip(self.choices, point.words, strict=True))

    def _point(self, settings: Settings) -> Point:
        places = tuple(span.place(getattr(settings, span.name)) for span in self.spans)
        return Point(places=places, words=tuple(getattr(settings, choice.name) for choice in self.choices))

    def _settings(self, point: Point) -> Settings:
        numbers = {span.name: span.value(place) for span, place in zip(self.spans, point.places, strict=True)}
        words: dict[str, Any] = {choice.name: word for choice, word in self._pairs(point)}
        return replace(self.start, **numbers, **words)


def _others(choice: Choice, word: str) -> list[str]:
    return [option for option in choice.options if option != word]


def _joined(places: Points, words: Sequence[Sequence[str]]) -> list[Point]:
    return [
        Point(places=tuple(map(float, row)), words=tuple(column[n] for column in words)) for n, row in enumerate(places)
    ]


def _spaced(rng: np.random.Generator, taken: Sequence[float], low: Points, high: Points) -> Points:
    """(5, d): points between `low` and `high`, one in each fifth of each axis: of `_TRIES` Latin hypercubes the one
    whose points are farthest from each other and from `taken`.
    """
    shape = (_TRIES, CANDIDATES - 1, len(low))
    fifths = rng.permuted(np.broadcast_to(np.arange(shape[1])[:, None], shape), axis=1)  # (tries, 5, d)
    drawn = low + (high - low) * (fifths + rng.random(shape)) / shape[1]
    points = np.concatenate([np.broadcast_to(np.array(taken), (_TRIES, 1, len(low))), drawn], 1)
    apart = np.linalg.norm(points[:, :, None] - points[:, None], axis=3)  # (tries, 6, 6)
    pairs = np.triu_indices(CANDIDATES, 1)
    return drawn[apart[:, pairs[0], pairs[1]].min(1).argmax()]

"""Settings found by picks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from diffstyle import InputError, Settings
from diffstyle.core.settings import Capabilities
from diffstyle.engines.registry import engine_names, settings_class
from diffstyle.evaluation.axes import COLOUR, STROKE, Span, spans
from diffstyle.evaluation.preference_search import CANDIDATES, ROUNDS, PreferenceSearch

ALL = Capabilities(structure=True)
PEOPLE = 60
OTHER_COLOUR = 0.35  # how far apart settings with other colours look, a span being 1
Pick = Callable[[PreferenceSearch], int]


def distance(settings: Settings, favourite: Settings) -> float:
    """How far settings are from a favourite, in spans."""
    places = [s.place(getattr(settings, s.name)) - s.place(getattr(favourite, s.name)) for s in spans(ALL)]
    return float(np.linalg.norm([*places, OTHER_COLOUR * (settings.colour != favourite.colour)]))


def anything(rng: np.random.Generator) -> Settings:
    """Settings drawn evenly from all that are searched."""
    colour = COLOUR.options[rng.integers(len(COLOUR.options))]
    return Settings(**{span.name: span.value(rng.random()) for span in spans(ALL)}, colour=colour)  # type: ignore[arg-type]


def searched(search: PreferenceSearch, pick: Pick) -> PreferenceSearch:
    while not search.finished:
        search = search.pick(pick(search))
    return search


def mean_distance(person: Callable[[Settings, np.random.Generator], Pick]) -> float:
    """The mean distance of what `PEOPLE` with hidden favourites end with."""
    found: list[float] = []
    for n in range(PEOPLE):
        rng = np.random.default_rng(n)
        favourite = anything(rng)
        found.append(
            distance(searched(PreferenceSearch.begin(Settings(), ALL, seed=n), person(favourite, rng)).best, favourite)
        )
    return float(np.mean(found))


def nearest(favourite: Settings, _: np.random.Generator) -> Pick:
    return lambda search: int(np.argmin([distance(c, favourite) for c in search.candidates]))


def unsure(favourite: Settings, rng: np.random.Generator) -> Pick:
    """Somebody who sees differences with an error of 0.08 spans."""
    return lambda search: int(np.argmin([distance(c, favourite) + rng.normal(0, 0.08) for c in search.candidates]))


def at_random(_: Settings, rng: np.random.Generator) -> Pick:
    return lambda _: int(rng.integers(CANDIDATES))


def never(_: Settings, __: np.random.Generator) -> Pick:
    """Somebody who always picks what is on the left."""
    return lambda _: 0


def best_of_as_many() -> float:
    """The mean distance of the best of as many settings, drawn at random."""
    seen = CANDIDATES + (ROUNDS - 1) * (CANDIDATES - 1)
    found: list[float] = []
    for n in range(PEOPLE):
        rng = np.random.default_rng(n)
        favourite = anything(rng)
        found.append(min(distance(anything(rng), favourite) for _ in range(seen)))
    return float(np.mean(found))


def test_five_picks_come_near_a_hidden_favourite() -> None:
    at_first, by_chance = mean_distance(never), mean_distance(at_random)
    sure, hesitant = mean_distance(nearest), mean_distance(unsure)
    assert sure < 0.15 < 0.55 < by_chance
    assert hesitant < 0.25 < 0.55 < at_first
    assert sure < 0.5 * best_of_as_many()


def test_the_pick_stays_and_the_next_ones_surround_it_closer_and_closer() -> None:
    search = PreferenceSearch.begin(Settings(), ALL, seed=3)
    assert search.candidates[0] == replace(Settings(), stroke=1.0)
    assert {c.colour for c in search.candidates} == set(COLOUR.options)
    reach: list[float] = []
    for n in (4, 1, 1, 5):
        picked = search.candidates[n]
        search = search.pick(n)
        assert search.kept == n
        assert search.best == search.candidates[n] == picked
        assert len(set(search.candidates)) == CANDIDATES
        places = [[s.place(getattr(c, s.name)) for s in search.spans] for c in search.candidates]
        reach.append(float(np.abs(np.array(places) - np.array(places[n])).max()))
    assert reach == sorted(reach, reverse=True)
    assert reach[-1] < 0.13
    last = search.candidates[2]
    search = search.pick(2)
    assert search.finished
    assert search.best == last
    with pytest.raises(InputError, match="ended"):
        search.pick(0)


def test_it_repeats_and_goes_back() -> None:
    search = PreferenceSearch.begin(Settings(), ALL, seed=1)
    assert search.candidates == PreferenceSearch.begin(Settings(), ALL, seed=1).candidates
    assert search.candidates != PreferenceSearch.begin(Settings(), ALL, seed=2).candidates
    there = search.pick(3).pick(0)
    assert there.back() == search.pick(3)
    assert there.back().back().back() == search
    assert search.pick(3).candidates != search.pick(2).candidates
    for n in (-1, CANDIDATES):
        with pytest.raises(InputError, match="pick one from 0 to 5"):
            search.pick(n)


@pytest.mark.parametrize("engine", engine_names())
def test_only_what_an_engine_honours_is_varied_within_its_range(engine: str) -> None:
    can = settings_class(engine).capabilities
    start = Settings(strength=0.2, structure=0.5, stroke=3.5, colour="palette", seed=7, smooth=0.25, size=640)
    search = PreferenceSearch.begin(start, can, seed=1)
    seen = list(search.candidates)
    for n in (5, 2, 0, 3):
        search = search.pick(n)
        seen += search.candidates
    assert {s.structure for s in seen} == {0.5} or can.structure
    assert {(s.seed, s.smooth, s.size, s.contrast) for s in seen} == {(7, 0.25, 640, 1.0)}
    assert all(0.2 <= s.strength <= 1 and STROKE.low <= (s.stroke or 0) <= 3.5 for s in seen)
    assert "palette" in {s.colour for s in seen}


def test_strokes_are_as_large_as_a_server_wants_them() -> None:
    search = PreferenceSearch.begin(Settings(), ALL, seed=1, least_stroke=0.8)
    assert 0.8 <= min(c.stroke or 0 for c in search.candidates) < 1
    assert PreferenceSearch.begin(Settings(), ALL, least_stroke=1.5).start.stroke == 1.5
    assert PreferenceSearch.begin(Settings(stroke=0.6), ALL, least_stroke=0.8).start.stroke == 0.6


def test_spans_are_measured_by_their_scale() -> None:
    assert [STROKE.value(place) for place in (0, 0.5, 1)] == [0.5, 1.0, 2.0]
    assert [round(STROKE.place(value), 6) for value in (0.1, 0.5, 1.0, 2.0, 4.0)] == [0, 0, 0.5, 1, 1]
    assert Span(name="strength", low=0.3, high=1).value(0.5) == 0.65

"""How often figures prefer the picture that people chose."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from diffstyle.evaluation.metrics.registry import Metric
from diffstyle.evaluation.pairs import Pair, Run
from diffstyle.evaluation.statistics import NOTHING, RESAMPLES, Estimate, wilson
from diffstyle.evaluation.table import Table
from diffstyle.evaluation.votes import Vote
from diffstyle.formats.atomic import sha256

Picture = tuple[str, str]  # a run, a pair


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often a figure preferred the picture that a judge preferred; `choices` were counted, from `pairs` pairs."""

    metric: Metric
    share: Estimate
    choices: int
    pairs: int


def digests_of(pairs: Sequence[Pair], runs: Sequence[Run]) -> dict[str, Picture]:
    """The run and the pair of every picture by the sha256 of its file."""
    return {sha256(run.pictures[p.name]): (run.name, p.name) for run in runs for p in pairs if p.name in run.pictures}


def agreements(
    votes: Sequence[Vote], table: Table, pictures: Mapping[str, Picture], *, seed: int = 0
) -> tuple[list[Agreement], int]:
    """The agreement of each figure of the table with the votes, best first, and how many votes are on other pictures.

    Votes for "same" say nothing of a figure's direction and are left out; a figure that is equal for both pictures, or
    NaN for one, counts as half a choice. Intervals (95 %) come from a bootstrap over pairs, because choices on one pair
    are not independent; where all pairs agree alike, a bootstrap has no width, and Wilson's interval over pairs is
    given.
    """
    place = {name: n for n, name in enumerate(table.pairs)}
    known, choices = known_votes(votes, pictures), decided(votes, pictures)
    found: list[Agreement] = []
    for metric in table.metrics:
        if metric.embed or metric.of == "cost":
            continue
        right: dict[str, list[float]] = defaultdict(list)
        for vote in choices:
            a, b = (
                table.values[run, metric.name][place[pair]]
                for run, pair in (pictures[vote.a_sha256], pictures[vote.b_sha256])
            )
            right[pictures[vote.a_sha256][1]].append(_agrees(a, b, metric, vote.choice))
        found.append(Agreement(metric, share_of(list(right.values()), seed), len(choices), len(right)))
    return sorted(found, key=lambda a: -a.share.value if a.choices else 0.0), len(votes) - len(known)


def known_votes(votes: Sequence[Vote], pictures: Mapping[str, Picture]) -> list[Vote]:
    """Those on two pictures that are known, and of one pair."""
    return [v for v in votes if _same_pair(v, pictures)]


def decided(votes: Sequence[Vote], pictures: Mapping[str, Picture]) -> list[Vote]:
    """The known votes without those for "same"."""
    return [v for v in known_votes(votes, pictures) if v.choice != "same"]


def _same_pair(vote: Vote, pictures: Mapping[str, Picture]) -> bool:
    """Whether both pictures are known and of one pair: figures of different photos are not comparable."""
    a, b = pictures.get(vote.a_sha256), pictures.get(vote.b_sha256)
    return a is not None and b is not None and a[1] == b[1]


def _agrees(a: float, b: float, metric: Metric, choice: str) -> float:
    if a == b or math.isnan(a) or math.isnan(b):
        return 0.5
    prefers = "a" if (a > b) == metric.higher else "b"
    return float(prefers == choice)


def share_of(by_pair: Sequence[Sequence[float]], seed: int) -> Estimate:
    """The mean of values from 0 to 1, some of each pair, with a 95 % interval by a bootstrap over pairs."""
    if not by_pair:
        return NOTHING
    sums, counts = np.array([sum(x) for x in by_pair]), np.array([len(x) for x in by_pair])
    drawn = np.random.default_rng(seed).integers(0, len(sums), (RESAMPLES, len(sums)))
    shares = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(shares, (0.025, 0.975))
    value = float(sums.sum() / counts.sum())
    return wilson(value * len(sums), len(sums)) if low == high else Estimate(value, float(low), float(high))

"""Results of a study: attention checks, wins, Bradley–Terry scores, and the agreement among judges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from diffstyle.core.errors import InputError
from diffstyle.evaluation.preferences import Matrix, bradley_terry, connected, krippendorff_alpha
from diffstyle.evaluation.statistics import LEAST, NOTHING, Estimate, wilson
from diffstyle.evaluation.study.study import Key
from diffstyle.evaluation.votes import Vote

_RESAMPLES = 400
SAME = "same"


@dataclass(frozen=True, slots=True)
class Answer:
    """A vote on two runs: `won` is the preferred run, or "same"."""

    judge: str
    pair: str
    question: str
    runs: tuple[str, str]  # in the order of the key
    won: str


@dataclass(frozen=True, slots=True)
class Duel:
    """How often each of two runs was preferred; `share` is that of the first, a tie being half a win for both."""

    runs: tuple[str, str]
    wins: tuple[int, int]
    same: int
    share: Estimate


@dataclass(frozen=True, slots=True)
class Tally:
    """Results of one question. `scores` are Bradley–Terry log strengths with their intervals, `padded` is whether they
    include virtual wins, and `alpha` is Krippendorff's.
    """

    question: str
    answers: tuple[Answer, ...]
    duels: tuple[Duel, ...]
    scores: Mapping[str, Estimate]
    padded: bool
    alpha: float


@dataclass(frozen=True, slots=True)
class Sorted:
    """The votes of a study: its answers, the number of missed checks by judge, and the judges left out."""

    answers: tuple[Answer, ...]
    votes: tuple[Vote, ...]
    missed: Mapping[str, int]
    left_out: tuple[str, ...]
    judges: tuple[str, ...]
    unmatched: int  # votes on what the study does not compare


def sort_votes(
    votes: Sequence[Vote], key: Key, *, questions: Container[str] | None = None, allowed_misses: int = 0
) -> Sorted:
    """Votes sorted into attention checks, answers, and votes on what the study does not compare.

    `questions` are those of the study, None for any. A judge's last answer to an item counts. Judges who missed more
    than `allowed_misses` checks are left out; "same" is a miss. The votes that are returned name runs in place of
    pictures, with the digests of the runs' own files. Raises InputError if no vote is left.
    """
    last: dict[tuple[str, ...], Vote] = {}
    unmatched = 0
    for vote in votes:
        if _belongs(vote, key) and (questions is None or vote.question in questions):
            last[(vote.judge, vote.question, *sorted((vote.a, vote.b)))] = vote
        else:
            unmatched += 1
    if not last:
        raise InputError("None of the answers is to this study: give the answers and the key that belong together.")
    missed: dict[str, int] = defaultdict(int)
    plain: list[Vote] = []
    for vote in last.values():
        good = {side for side in ("a", "b") if key.pictures[getattr(vote, side)].run}
        if len(good) == 2:
            plain.append(vote)
        elif vote.choice not in good:
            missed[vote.judge] += 1
    out = tuple(sorted(judge for judge, n in missed.items() if n > allowed_misses))
    kept = [vote for vote in plain if vote.judge not in out]
    judges = tuple(sorted({vote.judge for vote in kept}))
    named = tuple(_named(vote, key) for vote in kept)
    return Sorted(tuple(_answer(vote, key) for vote in kept), named, dict(missed), out, judges, unmatched)


def _belongs(vote: Vote, key: Key) -> bool:
    """Whether the vote is on two pictures that the study compares: of one pair, and not by the same run."""
    a, b = (key.pictures.get(name) for name in (vote.a, vote.b))
    return a is not None and b is not None and a.pair == b.pair and a.run != b.run


def tally(question: str, answers: Sequence[Answer], runs: Sequence[str], *, seed: int = 0) -> Tally:
    """The figures of the answers to one question; intervals are at 95 %, those of scores by resampling pairs."""
    mine = tuple(a for a in answers if a.question == question)
    wins = wins_of(mine, runs)
    found = bradley_terry(wins)
    drawn = _resampled(mine, runs, scored=~np.isnan(found), seed=seed)
    ends = np.quantile(drawn, (0.025, 0.975), axis=0) if len(drawn) else np.full((2, len(runs)), np.nan)
    scores = {run: Estimate(float(found[n]), float(ends[0, n]), float(ends[1, n])) for n, run in enumerate(runs)}
    units: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for answer in mine:
        units[answer.runs][answer.pair].append(answer.won)
    alpha = krippendorff_alpha(*(by_pair.values() for by_pair in units.values()))
    duels = tuple(_duel(mine, pair) for pair in combinations(runs, 2))
    return Tally(question, mine, duels, scores, not connected(wins), alpha)


def wins_of(answers: Sequence[Answer], runs: Sequence[str]) -> Matrix:
    """(n, n): how often the run of a row was preferred to that of a column, a tie being half a win for both."""
    place = {run: n for n, run in enumerate(runs)}
    wins = np.zeros((len(runs), len(runs)))
    for answer in answers:
        one, other = (place[run] for run in answer.runs)
        share = 0.5 if answer.won == SAME else float(answer.won == answer.runs[0])
        wins[one, other] += share
        wins[other, one] += 1 - share
    return wins


def disputed(answers: Sequence[Answer]) -> list[tuple[str, tuple[str, str], dict[str, int]]]:
    """Pairs and runs on which at least two judges chose differently, the most evenly split first, with the counts."""
    counts: dict[tuple[str, tuple[str, str]], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for answer in answers:
        counts[answer.pair, answer.runs][answer.won] += 1
    split = [(pair, runs, dict(found)) for (pair, runs), found in counts.items() if len(found) > 1]
    return sorted(split, key=lambda item: max(item[2].values()) / sum(item[2].values()))


def _duel(answers: Sequence[Answer], runs: tuple[str, str]) -> Duel:
    mine = [a for a in answers if a.runs == runs]
    first, second = (sum(a.won == run for a in mine) for run in runs)
    same = len(mine) - first - second
    share = wilson(first + same / 2, len(mine)) if mine else NOTHING
    return Duel(runs, (first, second), same, share)


def _resampled(answers: Sequence[Answer], runs: Sequence[str], *, scored: npt.NDArray[np.bool_], seed: int) -> Matrix:
    """(resamples, n): scores of samples of the pairs, drawn with replacement, that score the same runs; none for fewer
    than LEAST pairs.
    """
    by_pair: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_pair[answer.pair].append(answer)
    if len(by_pair) < LEAST:
        return np.zeros((0, len(runs)))
    each = np.stack([wins_of(found, runs) for found in by_pair.values()])
    rng = np.random.default_rng(seed)
    drawn = [each[rng.integers(0, len(each), len(each))].sum(0) for _ in range(_RESAMPLES)]
    found = np.stack([bradley_terry(wins) for wins in drawn])
    return found[(~np.isnan(found) == scored).all(1)]


def _answer(vote: Vote, key: Key) -> Answer:
    a, b = key.pictures[vote.a], key.pictures[vote.b]
    runs = (a.run, b.run) if key.runs.index(a.run) < key.runs.index(b.run) else (b.run, a.run)
    won = SAME if vote.choice == SAME else (a.run if vote.choice == "a" else b.run)
    return Answer(vote.judge, a.pair, vote.question, runs, won)


def _named(vote: Vote, key: Key) -> Vote:
    a, b = key.pictures[vote.a], key.pictures[vote.b]
    return replace(vote, pair=a.pair, a=a.run, a_sha256=a.sha256, b=b.run, b_sha256=b.sha256)

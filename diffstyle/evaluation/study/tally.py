"""What the answers of a study say: who paid attention, who won, how strong each run is, how far judges agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from diffstyle.core.errors import InputError
from diffstyle.evaluation.preferences import VIRTUAL, bradley_terry, connected, krippendorff_alpha
from diffstyle.evaluation.statistics import NOTHING, Estimate, wilson
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
    """What the answers to one question say. `scores` are Bradley–Terry log strengths with their intervals; `padded` is
    whether virtual wins had to keep them finite. `alpha` is Krippendorff's.
    """

    question: str
    answers: tuple[Answer, ...]
    duels: tuple[Duel, ...]
    scores: Mapping[str, Estimate]
    padded: bool
    alpha: float


@dataclass(frozen=True, slots=True)
class Sorted:
    """The votes of a study: its answers, the missed checks of each judge who missed some, and who was left out."""

    answers: tuple[Answer, ...]
    votes: tuple[Vote, ...]
    missed: Mapping[str, int]
    left_out: tuple[str, ...]
    judges: tuple[str, ...]
    strangers: int  # votes on pictures of another study


def sort_votes(votes: Sequence[Vote], key: Key, *, allowed_misses: int = 0) -> Sorted:
    """Votes told apart: attention checks, answers, and what belongs to another study.

    A judge's last answer to an item counts. Judges who missed more than `allowed_misses` checks are left out; "same" is
    a miss. The votes that are returned name runs in place of pictures, with the digests of the runs' own files. Raises
    InputError if no vote is of this study.
    """
    last: dict[tuple[str, ...], Vote] = {}
    strangers = 0
    for vote in votes:
        if vote.a in key.pictures and vote.b in key.pictures:
            last[(vote.judge, vote.question, *sorted((vote.a, vote.b)))] = vote
        else:
            strangers += 1
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
    return Sorted(tuple(_answer(vote, key) for vote in kept), named, dict(missed), out, judges, strangers)


def tally(question: str, answers: Sequence[Answer], runs: Sequence[str], *, seed: int = 0) -> Tally:
    """The figures of the answers to one question; intervals are at 95 %, those of scores by resampling pairs."""
    mine = tuple(a for a in answers if a.question == question)
    wins = wins_of(mine, runs)
    padded = not connected(wins)
    virtual = VIRTUAL if padded else 0.0
    found = bradley_terry(wins, virtual=virtual) if mine else np.full(len(runs), np.nan)
    drawn = _resampled(mine, runs, virtual=VIRTUAL, seed=seed)
    ends = np.quantile(drawn, (0.025, 0.975), axis=0) if len(drawn) else np.full((2, len(runs)), np.nan)
    scores = {run: Estimate(float(found[n]), float(ends[0, n]), float(ends[1, n])) for n, run in enumerate(runs)}
    units: dict[tuple[str, tuple[str, str]], list[str]] = defaultdict(list)
    for answer in mine:
        units[answer.pair, answer.runs].append(answer.won)
    duels = tuple(_duel(mine, pair) for pair in combinations(runs, 2))
    return Tally(question, mine, duels, scores, padded, krippendorff_alpha(units.values()))


def wins_of(answers: Sequence[Answer], runs: Sequence[str]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
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


def _resampled(
    answers: Sequence[Answer], runs: Sequence[str], *, virtual: float, seed: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(resamples, n): scores of samples of the pairs, drawn with replacement, each with virtual wins."""
    by_pair: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_pair[answer.pair].append(answer)
    if len(by_pair) < 2:
        return np.zeros((0, len(runs)))
    each = np.stack([wins_of(found, runs) for found in by_pair.values()])
    rng = np.random.default_rng(seed)
    drawn = [each[rng.integers(0, len(each), len(each))].sum(0) for _ in range(_RESAMPLES)]
    return np.stack([bradley_terry(wins, virtual=virtual) for wins in drawn])


def _answer(vote: Vote, key: Key) -> Answer:
    a, b = key.pictures[vote.a], key.pictures[vote.b]
    runs = (a.run, b.run) if key.runs.index(a.run) < key.runs.index(b.run) else (b.run, a.run)
    won = SAME if vote.choice == SAME else (a.run if vote.choice == "a" else b.run)
    return Answer(vote.judge, a.pair, vote.question, runs, won)


def _named(vote: Vote, key: Key) -> Vote:
    a, b = key.pictures[vote.a], key.pictures[vote.b]
    return Vote(
        when=vote.when,
        judge=vote.judge,
        pair=a.pair,
        question=vote.question,
        choice=vote.choice,
        a=a.run,
        a_sha256=a.sha256,
        b=b.run,
        b_sha256=b.sha256,
    )

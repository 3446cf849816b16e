"""Bradley–Terry scores of methods from pairwise comparisons, and the agreement among judges."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_TOLERANCE, _MOST = 1e-10, 10_000
VIRTUAL = 0.5  # wins in both directions, added where the scores would be infinite


def bradley_terry(wins: Matrix, *, virtual: float = VIRTUAL) -> Matrix:
    """(n,): log strengths with a mean of 0 for `wins` (n, n), where wins[i, j] is how often i was preferred to j.

    P(i preferred to j) = π_i / (π_i + π_j) (Bradley & Terry 1952), fitted by the MM iteration of Hunter 2004, equation
    3: π_i ← W_i / Σ_j n_ij / (π_i + π_j). A tie counts as half a win each. The maximum likelihood is finite only if
    the methods are `connected`; if they are not, `virtual` wins are added in both directions to every comparison that
    was made. Strengths of methods that no chain of comparisons links are not comparable: only the largest linked group
    has scores, the others are NaN.
    """
    scores = np.full(len(wins), np.nan)
    group = _linked(wins)
    if len(group) > 1:
        found = wins[np.ix_(group, group)].astype(np.float64)
        scores[group] = _fitted(found if connected(wins) else found + virtual * (found + found.T > 0))
    return scores


def connected(wins: Matrix) -> bool:
    """Whether every method of the largest linked group is reached from every other along wins (Hunter's assumption 1).

    `bradley_terry` needs no virtual wins then.
    """
    group = _linked(wins)
    return bool(_reach(wins[np.ix_(group, group)] > 0).all())


def _fitted(wins: Matrix) -> Matrix:
    games = wins + wins.T
    strength = np.ones(len(wins))
    for _ in range(_MOST):
        renewed = wins.sum(1) / (games / (strength[:, None] + strength[None])).sum(1)
        renewed /= np.exp(np.log(renewed).mean())
        done = float(np.abs(renewed - strength).max()) < _TOLERANCE
        strength = renewed
        if done:
            break
    return np.log(strength)


def _linked(wins: Matrix) -> list[int]:
    """The indices of the largest group of methods that comparisons link, the first of equally large ones."""
    linked = _reach(wins + wins.T > 0)
    return [int(n) for n in np.flatnonzero(linked[linked.sum(1).argmax()])]


def _reach(edges: Flags) -> Flags:
    """(n, n): whether a path leads from a row to a column."""
    reach = edges | np.eye(len(edges), dtype=bool)
    for _ in range(len(edges)):
        reach = reach @ reach
    return reach


def krippendorff_alpha(*groups: Iterable[Sequence[Hashable]]) -> float:
    """Krippendorff's alpha for nominal values: 1 for perfect agreement, 0 for agreement by chance, negative below that.

    α = 1 - D_o / D_e, with D_o the share of unequal values among all pairs of values within a unit, each weighted by
    1 / (m - 1) for m values, and D_e the same among all values (Krippendorff 2011, "Computing Krippendorff's
    alpha-reliability"). A group holds units, and a unit the values that judges gave to one thing; units with fewer than
    two are left out. Groups have different possible values, such as comparisons of different methods: D_o and D_e are
    counted within each and summed, else the choice between other methods would pass for chance disagreement. NaN if no
    unit has two values, 1 if each group has only one value.
    """
    found = [_disagreement(units) for units in groups]
    observed, expected, count = (sum(values) for values in zip(*found, strict=True)) if found else (0.0, 0.0, 0.0)
    if count < 2:
        return math.nan
    return 1.0 if expected == 0 else 1 - observed / expected


def _disagreement(units: Iterable[Sequence[Hashable]]) -> tuple[float, float, float]:
    """n D_o, n D_e and n, the number of values in units with at least two."""
    observed, totals = 0.0, Counter[Hashable]()
    for unit in units:
        m = len(unit)
        if m < 2:
            continue
        values = Counter(unit)
        totals.update(values)
        observed += sum(n * (m - n) for n in values.values()) / (m - 1)
    count = sum(totals.values())
    expected = sum(n * (count - n) for n in totals.values()) / (count - 1) if count else 0.0
    return observed, expected, float(count)

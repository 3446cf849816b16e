"""Scores of many methods from comparisons of two, and how far judges agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
_TOLERANCE, _MOST = 1e-10, 10_000
VIRTUAL = 0.5  # wins both ways that are added where the scores would be infinite


def bradley_terry(wins: Matrix, *, virtual: float = 0.0) -> Matrix:
    """(n,): log strengths with a mean of 0 for `wins` (n, n), where wins[i, j] is how often i was preferred to j.

    P(i preferred to j) = π_i / (π_i + π_j) (Bradley & Terry 1952), fitted by the MM iteration of Hunter 2004, equation
    3: π_i ← W_i / Σ_j n_ij / (π_i + π_j). A tie counts as half a win each. The fit is finite only where every split of
    the methods in two has wins in both directions (`connected`); `virtual` wins, added both ways to each two methods
    that were compared, keep it finite otherwise.
    """
    wins = wins.astype(np.float64)
    games = wins + wins.T
    if virtual:
        wins = wins + virtual * (games > 0)
        games = wins + wins.T
    strength = np.ones(len(wins))
    for _ in range(_MOST):
        sums = games / (strength[:, None] + strength[None])
        renewed = wins.sum(1) / np.maximum(sums.sum(1), 1e-300)
        renewed /= np.exp(np.log(np.maximum(renewed, 1e-300)).mean())
        done = float(np.abs(renewed - strength).max()) < _TOLERANCE
        strength = renewed
        if done:
            break
    scores = np.log(np.maximum(strength, 1e-300))
    return scores - scores.mean()


def connected(wins: Matrix) -> bool:
    """Whether every method can be reached from every other along wins: Hunter's assumption 1."""
    reach = (wins > 0) | np.eye(len(wins), dtype=bool)
    for _ in range(len(wins)):
        reach = reach @ reach
    return bool(reach.all())


def krippendorff_alpha(units: Iterable[Sequence[Hashable]]) -> float:
    """Krippendorff's alpha for nominal values: 1 where judges always agree, 0 where as often as by chance, else below.

    α = 1 - D_o / D_e, with D_o the share of unequal values among all pairs of values within a unit, each weighted by
    1 / (m - 1) for m values, and D_e the same among all values (Krippendorff 2011, "Computing Krippendorff's
    alpha-reliability"). `units` hold the values that judges gave to one thing; those with fewer than two are left out.
    NaN where nothing can be compared, 1 where only one value was ever given.
    """
    together: Counter[tuple[Hashable, Hashable]] = Counter()
    for unit in units:
        values, m = Counter(unit), len(unit)
        if m < 2:
            continue
        for c, n in values.items():
            for k, other in values.items():
                together[c, k] += n * (other - (c == k)) / (m - 1)  # pyright: ignore[reportArgumentType]
    totals: Counter[Hashable] = Counter()
    for (c, _), n in together.items():
        totals[c] += n
    n = sum(totals.values())
    if n < 2:
        return float("nan")
    expected = sum(totals[c] * totals[k] for c in totals for k in totals if c != k) / (n - 1)
    observed = sum(v for (c, k), v in together.items() if c != k)
    return 1.0 if expected == 0 else float(1 - observed / expected)

"""Intervals of what was measured on a sample: medians by the bootstrap, shares after Wilson."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Z = 1.959963984540054  # standard deviations of a 95 % interval
RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the ends of its 95 % interval; NaN where there is nothing to estimate it from."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 3) -> str:
        """As 0.512 [0.48, 0.55]."""
        if math.isnan(self.value):
            return "–"
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


NOTHING = Estimate(math.nan, math.nan, math.nan)


def median(values: Sequence[float], *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """The median of `values`, NaN left out, with a percentile bootstrap interval (Efron 1979). Seeded: the same values
    give the same interval.
    """
    found = np.array([v for v in values if not math.isnan(v)], np.float64)
    if not len(found):
        return NOTHING
    rng = np.random.default_rng(seed)
    drawn = np.median(found[rng.integers(0, len(found), (resamples, len(found)))], 1)
    return Estimate(float(np.median(found)), *_ends(drawn))


def _ends(drawn: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The 2.5 and 97.5 % quantiles, each one of the values drawn: between infinities nothing is interpolated."""
    low, high = np.quantile(drawn, (0.025, 0.975), method="nearest")
    return float(low), float(high)


def mean(values: Sequence[float], *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """The mean of `values`, NaN left out, with a percentile bootstrap interval."""
    found = np.array([v for v in values if not math.isnan(v)], np.float64)
    if not len(found):
        return NOTHING
    rng = np.random.default_rng(seed)
    drawn = found[rng.integers(0, len(found), (resamples, len(found)))].mean(1)
    return Estimate(float(found.mean()), *_ends(drawn))


def wilson(wins: float, total: float) -> Estimate:
    """The share `wins` / `total` with the score interval of Wilson 1927:

    (p + z²/2n ± z √(p (1 - p) / n + z²/4n²)) / (1 + z²/n). A tie may count as half a win.
    """
    if total <= 0:
        return NOTHING
    p, square = wins / total, Z * Z / total
    middle = (p + square / 2) / (1 + square)
    half = Z * math.sqrt(p * (1 - p) / total + square / (4 * total)) / (1 + square)
    return Estimate(p, max(0.0, middle - half), min(1.0, middle + half))

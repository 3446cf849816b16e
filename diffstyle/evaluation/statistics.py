"""Confidence intervals: bootstrap for medians, Wilson for proportions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Z = 1.959963984540054  # standard deviations of a 95 % interval
RESAMPLES = 2000
LEAST = 6  # values for an interval of 95 %: all of n are on one side of the median with a chance of 2^(1 - n)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % confidence interval; both are NaN without data, the interval alone if it is unknown."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 3) -> str:
        """0.512 [0.480, 0.550], without the interval if there is none, and – for NaN."""
        if math.isnan(self.value):
            return "–"
        if math.isnan(self.low):
            return f"{self.value:.{digits}f}"
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


NOTHING = Estimate(math.nan, math.nan, math.nan)


def median(values: Sequence[float], *, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """The median of `values` with a percentile bootstrap interval (Efron 1979); NaN values are left out.

    The same values and seed give the same interval. Fewer than LEAST values have none: even their whole range covers
    the median with less than 95 %.
    """
    found = np.array([v for v in values if not math.isnan(v)], np.float64)
    if not len(found):
        return NOTHING
    if len(found) < LEAST:
        return Estimate(float(np.median(found)), math.nan, math.nan)
    rng = np.random.default_rng(seed)
    drawn = np.median(found[rng.integers(0, len(found), (resamples, len(found)))], 1)
    return Estimate(float(np.median(found)), *_ends(drawn))


def _ends(drawn: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The 2.5 and 97.5 % quantiles, not interpolated: infinite values stay usable."""
    low, high = np.quantile(drawn, (0.025, 0.975), method="nearest")
    return float(low), float(high)


def wilson(wins: float, total: float) -> Estimate:
    """The proportion `wins` / `total` with its score interval (Wilson 1927):

    (p + z²/2n ± z √(p (1 - p) / n + z²/4n²)) / (1 + z²/n). A tie may count as half a win.
    """
    if total <= 0:
        return NOTHING
    p, square = wins / total, Z * Z / total
    middle = (p + square / 2) / (1 + square)
    half = Z * math.sqrt(p * (1 - p) / total + square / (4 * total)) / (1 + square)
    return Estimate(p, max(0.0, middle - half), min(1.0, middle + half))

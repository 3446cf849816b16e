"""Intervals, scores and agreement against published numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diffstyle.evaluation.preferences import bradley_terry, connected, krippendorff_alpha
from diffstyle.evaluation.statistics import mean, median, wilson

# Agresti, "Categorical data analysis", table 10.10: baseball, American League East 1987; wins of a row over a column
BASEBALL = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ]
)
AGRESTI = [1.581, 1.436, 1.294, 1.248, 1.108, 0.684, 0.0]  # relative to Baltimore


def test_wilson_is_as_published() -> None:
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I: 81 / 263 and 0 / 20."""
    found = wilson(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (wilson(0, 20).low, wilson(0, 20).high) == pytest.approx((0, 0.1611), abs=5e-5)
    assert math.isnan(wilson(0, 0).value)


def test_bradley_terry_is_as_published() -> None:
    scores = bradley_terry(BASEBALL)
    assert list(scores - scores[-1]) == pytest.approx(AGRESTI, abs=6e-4)
    assert scores.mean() == pytest.approx(0)


def test_bradley_terry_of_two_is_the_ratio_of_wins() -> None:
    scores = bradley_terry(np.array([[0, 3], [1, 0]]))
    assert scores[0] - scores[1] == pytest.approx(math.log(3))


def test_a_run_that_never_loses_needs_virtual_wins() -> None:
    wins = np.array([[0, 5], [0, 0]])
    assert not connected(wins)
    assert connected(BASEBALL)
    scores = bradley_terry(wins, virtual=0.5)
    assert scores[0] - scores[1] == pytest.approx(math.log(5.5 / 0.5))


def test_krippendorff_is_as_published() -> None:
    """Krippendorff 2011: nominal data of two observers without gaps, 0.692, and of four with gaps, 0.743."""
    two = zip("aabbdcccedda", "babbbcccedd" + "d", strict=True)
    assert krippendorff_alpha([list(unit) for unit in two]) == pytest.approx(0.692, abs=5e-4)
    rows = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    units = [[v for v in column if v != "."] for column in zip(*rows, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_krippendorff_at_its_ends() -> None:
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]) == 1
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) == 1
    assert krippendorff_alpha([["a", "b"], ["b", "a"]]) < 0
    assert math.isnan(krippendorff_alpha([["a"], ["b"]]))


def test_the_bootstrap_covers_and_repeats() -> None:
    """Of 200 samples of a known distribution, about 95 % of the intervals hold the true mean."""
    rng = np.random.default_rng(2)
    samples = rng.normal(1, 2, size=(200, 40))
    intervals = [mean(list(sample), resamples=300) for sample in samples]
    assert 0.88 < sum(e.low <= 1 <= e.high for e in intervals) / 200 < 0.99
    assert median([1, 2, 3, math.nan]) == median([1, 2, 3, math.nan])
    assert median([1, 2, 3, math.nan]).value == 2
    assert median([math.inf, math.inf, 1]).high == math.inf
    assert math.isnan(median([math.nan]).value)

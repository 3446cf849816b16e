"""Intervals, scores and agreement against published numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diffstyle.evaluation.preferences import bradley_terry, connected, krippendorff_alpha
from diffstyle.evaluation.statistics import LEAST, Estimate, median, wilson

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
    assert list(bradley_terry(BASEBALL, virtual=5)) == list(bradley_terry(BASEBALL))  # adds none where none is needed
    scores = bradley_terry(wins, virtual=0.5)
    assert scores[0] - scores[1] == pytest.approx(math.log(5.5 / 0.5))


def test_krippendorff_is_as_published() -> None:
    """Krippendorff 2011: nominal data of two observers without gaps, 0.692, and of four with gaps, 0.743."""
    two = zip("aabbdcccedda", "babbbcccedd" + "d", strict=True)
    assert krippendorff_alpha([list(unit) for unit in two]) == pytest.approx(0.692, abs=5e-4)
    rows = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."]
    units = [[v for v in column if v != "."] for column in zip(*rows, strict=True)]
    assert krippendorff_alpha(units) == pytest.approx(0.743, abs=5e-4)


def test_runs_that_nothing_links_have_no_score() -> None:
    """Two runs were compared with each other, two with one another, and one with none."""
    wins = np.zeros((5, 5))
    wins[0, 1], wins[1, 0], wins[2, 3], wins[3, 2] = 3, 1, 1, 1
    scores = bradley_terry(wins)
    assert scores[0] - scores[1] == pytest.approx(math.log(3))
    assert np.isnan(scores[2:]).all()
    assert connected(wins)
    assert np.isnan(bradley_terry(np.zeros((3, 3)))).all()


def test_agreement_is_that_within_each_comparison() -> None:
    """Judges who choose at random between two runs do not agree more because other judges saw other runs."""
    units = [["x", "x"], ["x", "y"], ["y", "x"], ["y", "y"]]
    others = [[{"x": "u", "y": "v"}[value] for value in unit] for unit in units]
    assert krippendorff_alpha(units, others) == pytest.approx(krippendorff_alpha(units))
    assert krippendorff_alpha([*units, *others]) > krippendorff_alpha(units) + 0.2  # as if it were one comparison
    assert math.isnan(krippendorff_alpha())


def test_few_values_have_no_interval() -> None:
    """Five equal signs happen by chance once in sixteen times, which is no 95 %."""
    few = median([0.1] * (LEAST - 1))
    assert few.value == 0.1
    assert math.isnan(few.low)
    assert few.text() == "0.100"
    assert median([0.1] * LEAST).low == 0.1
    assert Estimate(0.5, 0.25, 0.75).text(2) == "0.50 [0.25, 0.75]"


def test_krippendorff_at_its_ends() -> None:
    assert krippendorff_alpha([["a", "a"], ["b", "b"]]) == 1
    assert krippendorff_alpha([["a", "a"], ["a", "a"]]) == 1
    assert krippendorff_alpha([["a", "b"], ["b", "a"]]) < 0
    assert math.isnan(krippendorff_alpha([["a"], ["b"]]))


def test_the_bootstrap_covers_and_repeats() -> None:
    """Of 200 samples of a known distribution, about 95 % of the intervals hold the true median."""
    rng = np.random.default_rng(2)
    samples = rng.normal(1, 2, size=(200, 40))
    intervals = [median(list(sample), resamples=300) for sample in samples]
    assert 0.88 < sum(e.low <= 1 <= e.high for e in intervals) / 200 < 0.99
    values = [1, 2, 3, 3, 4, 5, 9, math.nan]
    assert median(values) == median(values)
    assert median(values).value == 3
    assert median([math.inf] * 5 + [1]).high == math.inf
    assert math.isnan(median([math.nan]).value)

"""A figure that is fitted to votes."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import pytest

from diffstyle.evaluation.agreement import agreements
from diffstyle.evaluation.fitted import fitted_agreement, weights_of
from diffstyle.evaluation.metrics import registry
from diffstyle.evaluation.table import Table
from diffstyle.evaluation.votes import Vote

PAIRS, RUNS = 24, ("x", "y", "z")
PICTURES = {f"{run}{n}": (run, f"p{n}") for run in RUNS for n in range(PAIRS)}


def table_of(rng: np.random.Generator) -> Table:
    metrics = registry.chosen(["ssim", "style-lite", "grain"])
    values = {(run, m.name): rng.normal(0, 5, PAIRS).tolist() for run in RUNS for m in metrics}
    return Table(RUNS, tuple(f"p{n}" for n in range(PAIRS)), tuple(metrics), values, {})


def voted(table: Table, weights: dict[str, float], rng: np.random.Generator, judges: int = 2) -> list[Vote]:
    """Judges who choose by weighted figures; by chance where all weights are 0."""
    votes: list[Vote] = []
    for n in range(PAIRS):
        for a, b in (("x", "y"), ("z", "x"), ("y", "z")):
            apart = sum(w * (table.values[a, name][n] - table.values[b, name][n]) for name, w in weights.items())
            for judge in range(judges):
                choice = "a" if apart + rng.normal(0, 1e-9) > 0 else "b"
                votes.append(
                    Vote(judge=f"j{judge}", pair="", choice=choice, a="", a_sha256=f"{a}{n}", b="", b_sha256=f"{b}{n}")
                )
    return votes


@pytest.mark.parametrize("left_out", ["pair", "judge"])
def test_it_finds_how_judges_weigh_what_no_figure_alone_says(left_out: Literal["pair", "judge"]) -> None:
    rng = np.random.default_rng(0)
    table = table_of(rng)
    votes = voted(table, {"ssim": 1.0, "style-lite": -1.0, "grain": -1.0}, rng)
    fitted = fitted_agreement(votes, table, PICTURES, leave_out=left_out)
    (best, *_), _ = agreements(votes, table, PICTURES)
    assert fitted.value > 0.95
    assert fitted.low > best.share.high


def test_it_finds_nothing_in_chance() -> None:
    """On average: fitted to 72 choices and asked about the same ones, it would seem better than chance."""
    shares: list[float] = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        table = table_of(rng)
        votes = voted(table, {}, rng, judges=1)
        shares.append(fitted_agreement(votes, table, PICTURES).value)
    assert abs(float(np.mean(shares)) - 0.5) < 0.06


def test_votes_of_one_judge_or_pair_cannot_be_checked() -> None:
    rng = np.random.default_rng(2)
    table = table_of(rng)
    votes = voted(table, {"ssim": 1.0}, rng, judges=1)
    assert math.isnan(fitted_agreement(votes, table, PICTURES, leave_out="judge").value)
    assert math.isnan(fitted_agreement(votes[:3], table, PICTURES).value)
    assert math.isnan(fitted_agreement([], table, PICTURES).value)


def test_its_weights_are_the_likeliest() -> None:
    """At the optimum the slope of the penalised likelihood is zero; without differences there is nothing to weigh."""
    apart = np.random.default_rng(3).normal(0.3, 1, (40, 4))
    w = weights_of(apart, ridge=0.5)
    slope = apart.T @ (1 / (1 + np.exp(apart @ w))) - 0.5 * w
    assert np.abs(slope).max() < 1e-6
    assert not weights_of(np.zeros((5, 2))).any()

"""Agreement of figures with choices, by hand."""

from __future__ import annotations

import math

import pytest

from diffstyle.evaluation.agreement import agreements
from diffstyle.evaluation.metrics import registry
from diffstyle.evaluation.statistics import wilson
from diffstyle.evaluation.table import Table
from diffstyle.evaluation.votes import Vote


def test_figures_that_always_agree_are_not_certain() -> None:
    """Two of two choices are worth Wilson's interval over pairs; votes on two photos are not comparable."""
    values = {("x", "ssim"): [0.9, 0.9], ("y", "ssim"): [0.1, 0.1]}
    table = Table(("x", "y"), ("p0", "p1"), tuple(registry.chosen(["ssim"])), values, {})
    pictures = {f"{run}{n}": (run, f"p{n}") for run in "xy" for n in range(2)}
    votes = [vote("a", "x0", "y0"), vote("a", "x1", "y1"), vote("a", "x0", "y1")]
    (found,), others = agreements(votes, table, pictures)
    assert (found.choices, others) == (2, 1)
    assert found.share == wilson(2, 2)


def vote(choice: str, a: str, b: str) -> Vote:
    return Vote(judge="j", pair="", choice=choice, a="", a_sha256=a, b="", b_sha256=b)


def test_shares_are_those_of_the_choices() -> None:
    """Of five choices on three pairs, SSIM makes four; style-lite, lower being better, one and a half; ties are out."""
    metrics = registry.chosen(["ssim", "style-lite", "time"])
    values = {
        ("x", "ssim"): [0.9, 0.9, 0.9],
        ("y", "ssim"): [0.1, 0.1, 0.1],
        ("x", "style-lite"): [0.9, 0.9, math.nan],
        ("y", "style-lite"): [0.1, 0.1, 0.1],
        ("x", "time"): [1.0] * 3,
        ("y", "time"): [2.0] * 3,
    }
    table = Table(("x", "y"), ("p0", "p1", "p2"), tuple(metrics), values, {})
    pictures = {f"{run}{n}": (run, f"p{n}") for run in "xy" for n in range(3)}
    votes = [vote("a", "x0", "y0"), vote("b", "y0", "x0"), vote("a", "x1", "y1"), vote("b", "x1", "y1")]
    votes += [vote("a", "x2", "y2"), vote("same", "x2", "y2"), vote("a", "x0", "stranger")]
    found, others = agreements(votes, table, pictures)
    assert others == 1
    assert [a.metric.name for a in found] == ["ssim", "style-lite"]
    assert [a.share.value for a in found] == pytest.approx([4 / 5, 1.5 / 5])
    assert {(a.choices, a.pairs) for a in found} == {(5, 3)}
    assert all(a.share.low <= a.share.value <= a.share.high for a in found)
    assert agreements(votes, table, pictures) == (found, others)  # seeded

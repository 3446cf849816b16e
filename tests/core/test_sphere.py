"""Geometry of unit vectors, as mathematics."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from diffstyle import InputError
from diffstyle.core.sphere import mean, slerp, unit

seeds = st.integers(0, 10_000)
shares = st.floats(0, 1)


def vectors(count: int, seed: int, dim: int = 16) -> Tensor:
    drawn = torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (drawn / drawn.square().sum(1, keepdim=True).sqrt()).float()


def angle(a: Tensor, b: Tensor) -> float:
    x, y = a.double(), b.double()
    return 2 * math.atan2(float((x - y).square().sum().sqrt()), float((x + y).square().sum().sqrt()))


@given(seeds, shares)
@settings(max_examples=60)
def test_the_angle_grows_evenly(seed: int, t: float) -> None:
    a, b = vectors(2, seed)
    between = slerp(a, b, t)
    assert float(between.square().sum()) == pytest.approx(1, abs=1e-5)
    assert angle(a, between) == pytest.approx(t * angle(a, b), abs=1e-5)
    assert angle(between, b) == pytest.approx((1 - t) * angle(a, b), abs=1e-5)


@given(seeds)
@settings(max_examples=20)
def test_the_ends_are_exact(seed: int) -> None:
    a, b = vectors(2, seed)
    assert torch.equal(slerp(a, b, 0), a)
    assert torch.equal(slerp(a, b, 1), b)


@given(seeds, st.lists(st.floats(0.05, 5), min_size=1, max_size=5))
@settings(max_examples=60)
def test_the_mean_is_of_no_order_and_least_squares(seed: int, weights: list[float]) -> None:
    v, w = vectors(len(weights), seed), torch.tensor(weights, dtype=torch.float64)
    m = mean(v, w)
    assert float(m.square().sum()) == pytest.approx(1, abs=1e-5)
    assert torch.allclose(mean(v.flip(0), w.flip(0)), m, atol=1e-4)

    def cost(x: Tensor) -> float:
        return sum(float(share) * angle(x, p) ** 2 for share, p in zip(w, v, strict=True))

    for nudge in vectors(4, seed + 1):
        assert cost(m) <= cost(slerp(m, nudge, 0.02)) + 1e-4


@pytest.mark.parametrize("bad", [torch.zeros(4), torch.tensor([1.0, math.nan]), torch.tensor([math.inf, 0]),
                                 torch.ones(2, 2), torch.ones(1)])  # fmt: skip
def test_what_is_no_direction_is_refused(bad: Tensor) -> None:
    with pytest.raises(InputError, match="embedding of it"):
        unit(bad, "it")


def test_opposites_have_no_middle() -> None:
    a = vectors(1, 0)[0]
    with pytest.raises(InputError, match="opposites"):
        slerp(a, -a, 0.5)
    ring = torch.tensor([[1.0, 0], [-0.5, math.sqrt(0.75)], [-0.5, -math.sqrt(0.75)]])
    with pytest.raises(InputError, match="cancel"):
        mean(ring, torch.ones(3))

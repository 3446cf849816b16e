"""Optimal transport between Gaussians."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from diffstyle.ops.transport import FLOOR, Gaussian, transport


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_transport_maps_one_gaussian_to_another_with_the_least_motion(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (Gaussian(rng.normal(0, 30, 3), (a := rng.normal(0, 12, (3, 3))) @ a.T) for _ in range(2))
    matrix, offset = transport(one, other)
    assert np.allclose(matrix @ one.mean + offset, other.mean, atol=1e-2)
    floor = FLOOR**2 * np.eye(3)
    there = other.covariance + floor
    assert np.abs(matrix @ (one.covariance + floor) @ matrix.T - there).max() < 1e-3 * np.abs(there).max()
    assert np.allclose(matrix, matrix.T, atol=1e-4)  # the map of least motion is the gradient of a convex function
    same, nothing = transport(one, one)
    assert np.allclose(same, np.eye(3), atol=1e-4)
    assert np.allclose(nothing, 0, atol=1e-2)

"""Optimal transport between Gaussians."""

from __future__ import annotations

import numpy as np
import pytest

from diffstyle.ops.transport import FLOOR, Gaussian, transport


def sample(seed: int, scale: float = 10) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(4000, 3)) @ rng.normal(size=(3, 3)) * scale + rng.normal(size=3)).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_the_image_of_the_source_is_distributed_as_the_target(seed: int) -> None:
    one, other = sample(seed), sample(seed + 100)
    matrix, offset = transport(Gaussian.of(one), Gaussian.of(other))
    moved, wanted = Gaussian.of(one @ matrix.T + offset), Gaussian.of(other)
    assert np.allclose(moved.mean, wanted.mean, atol=0.05)
    assert np.allclose(moved.covariance, wanted.covariance, atol=4 * FLOOR, rtol=0.05)


def test_the_map_is_symmetric_and_that_to_oneself_is_the_identity() -> None:
    one, other = Gaussian.of(sample(0)), Gaussian.of(sample(1))
    matrix, _ = transport(one, other)
    assert np.allclose(matrix, matrix.T, atol=1e-4)  # the gradient of a convex function: Brenier
    identity, offset = transport(one, one)
    assert np.allclose(identity, np.eye(3), atol=1e-4)
    assert np.allclose(offset, 0, atol=1e-3)


def test_a_flat_source_is_not_amplified_without_bounds() -> None:
    flat = Gaussian(np.zeros(3), np.zeros((3, 3)))
    matrix, _ = transport(flat, Gaussian.of(sample(2)))
    assert np.isfinite(matrix).all()

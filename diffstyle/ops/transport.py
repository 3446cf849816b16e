"""Optimal transport between Gaussians: the linear map of Monge and Kantorovich (Pitié & Kokaram 2007)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FLOOR = 1.0  # smallest deviation in units of CIELAB: smaller ones are noise, which a map must not amplify
Exact = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Gaussian:
    """A normal distribution of `mean` (d,) and `covariance` (d, d)."""

    mean: Exact
    covariance: Exact

    @classmethod
    def of(cls, sample: npt.NDArray[np.float32]) -> Gaussian:
        """Fitted to the rows of a sample (n, d)."""
        exact = sample.astype(np.float64)
        return cls(exact.mean(0), np.cov(exact.T, bias=True))


def transport(source: Gaussian, target: Gaussian) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Matrix M (d, d) and offset v (d,) of the optimal map: M @ x + v is distributed as `target` for x of `source`.

    Both covariances are regularised by FLOOR², so that the map is defined for flat pictures.
    """
    floor = FLOOR**2 * np.eye(len(source.mean))
    root, inverse = _roots(source.covariance + floor)
    middle, _ = _roots(root @ (target.covariance + floor) @ root)
    matrix = inverse @ middle @ inverse
    return matrix.astype(np.float32), (target.mean - matrix @ source.mean).astype(np.float32)


def _roots(symmetric: Exact) -> tuple[Exact, Exact]:
    """Square root of a positive definite matrix, and that root's inverse."""
    values, vectors = np.linalg.eigh(symmetric)
    root = np.sqrt(values)
    return (vectors * root) @ vectors.T, (vectors / root) @ vectors.T

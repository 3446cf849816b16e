"""Typed helpers on (h, w) fields: blurs, gradients, noise."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[np.float32]


def blur(field: Array, sigma: float | tuple[float, ...]) -> Array:
    """Gaussian blur; `sigma` in pixels, one for all axes or one for each."""
    return cast("Array", ndimage.gaussian_filter(field, sigma))


def gradient(field: Array) -> tuple[Array, Array]:
    """Sobel derivatives along rows and columns."""
    return cast("Array", ndimage.sobel(field, 0)), cast("Array", ndimage.sobel(field, 1))


def coordinates(height: int, width: int) -> tuple[Array, Array]:
    """The row and the column of each pixel, two (h, w) arrays."""
    y, x = np.indices((height, width)).astype(np.float32)
    return y, x


def noise(shape: tuple[int, int], sigma: float | tuple[float, ...], rng: np.random.Generator) -> Array:
    """Blurred white noise, scaled to a deviation of 1."""
    field = blur(rng.normal(0, 1, shape).astype(np.float32), sigma)
    return field / np.float32(max(float(field.std()), 1e-6))


def size(picture: Array) -> tuple[int, int]:
    """(height, width) of a picture or field."""
    return int(picture.shape[0]), int(picture.shape[1])


def distance_to(marks: npt.NDArray[np.bool_]) -> Array:
    """The distance of each pixel to the nearest mark, in pixels."""
    return np.asarray(cast("Any", ndimage.distance_transform_edt)(~marks), np.float32)


def median(field: Array, side: int) -> Array:
    """Median over windows of `side` x `side` pixels."""
    return cast("Array", ndimage.median_filter(field, side))


def sample(field: Array, y: Array, x: Array) -> Array:
    """Bilinear interpolation at rows and columns, with the edge repeated."""
    return np.asarray(ndimage.map_coordinates(field, np.stack((y, x)), order=1, mode="nearest"), np.float32)

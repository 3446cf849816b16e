"""Contours of a picture, and what runs along them. Lengths are in pixels."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2 as untyped
import numpy as np
import numpy.typing as npt

cv2: Any = untyped
Array: TypeAlias = npt.NDArray[np.floating[Any]]
Rng: TypeAlias = np.random.Generator
_FLOW = ((3.5, 1.0), (12.0, 0.05), (40.0, 0.004))  # standard deviations of the structure tensor, and their weights


def blur(field: Array, sigma: float) -> Array:
    """Gaussian blur of (h, w) or (h, w, 3); wide ones run on a coarser grid."""
    times = 1 if sigma < 6 else int(sigma / 3)
    if times == 1:
        return cv2.GaussianBlur(field, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    h, w = field.shape[:2]
    size = (max(2, w // times), max(2, h // times))
    small = cv2.GaussianBlur(
        cv2.resize(field, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / times, borderType=cv2.BORDER_REPLICATE
    )
    return cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)


def noise(shape: tuple[int, int], sigma: float, rng: Rng) -> Array:
    """(h, w) blurred white noise of deviation 1."""
    field = rng.standard_normal(shape, np.float32)
    field = blur(field, sigma) if sigma > 0 else field
    return field / np.float32(max(float(field.std()), 1e-6))


def gradient(rgb: Array) -> tuple[Array, Array]:
    """Derivatives of the three channels, down and across, each (h, w, 3)."""
    soft = blur(rgb, 1.0)
    return cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3), cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3)


def flow(down: Array, across: Array) -> Array:
    """(h, w): the angle of the contours, spread from strong edges into flat areas (smoothed structure tensor,
    Kyprianidis & Döllner 2008), from the derivatives (h, w, 3).
    """
    parts = (across * across - down * down).sum(2), (2 * across * down).sum(2)
    cosine, sine = (sum(weight * blur(part, sigma) for sigma, weight in _FLOW) for part in parts)
    return (np.arctan2(sine, cosine) / 2 + np.pi / 2).astype(np.float32)


def along(field: Array, angle: Array, length: float) -> Array:
    """A field (h, w) averaged over lines `length` long in the directions `angle` (line integral convolution, Cabral &
    Leedom 1993).
    """
    h, w = field.shape[:2]
    y, x = (c.astype(np.float32) for c in np.indices((h, w), np.float32))
    dy, dx = np.sin(angle).astype(np.float32), np.cos(angle).astype(np.float32)
    total, steps, step = field.copy(), max(1, round(length / 4)), np.float32(2)
    for sign in (1, -1):
        py, px, vy, vx = y, x, dy * sign, dx * sign
        for _ in range(steps):
            py, px = py + vy * step, px + vx * step
            total += cv2.remap(field, px, py, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            ny = cv2.remap(dy, px, py, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
            nx = cv2.remap(dx, px, py, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT)
            turn = np.where(ny * vy + nx * vx < 0, np.float32(-1), np.float32(1))
            vy, vx = ny * turn, nx * turn
    return total / np.float32(2 * steps + 1)


def contour_lines(tone: Array, angle: Array, width: float, *, sensitivity: float = 1.0) -> Array:
    """(h, w): above 0.5 on lines about `width` wide on the dark side of contours, 0 elsewhere.

    Differences of Gaussians of `tone` across the contours, smoothed along their directions `angle` (flow-based XDoG,
    Winnemöller et al. 2012).
    """
    smooth = cv2.bilateralFilter(tone, 7, 0.1, 3.0)
    sigma = max(0.7, width * 0.6)
    narrow, wide = blur(smooth, sigma), blur(smooth, sigma * 1.6)
    across = (wide - narrow) / (0.3 + 0.7 * wide)
    return (0.5 + (along(across, angle, 8.0) * sensitivity - 0.012) * 28).clip(0, 1)

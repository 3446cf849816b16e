"""CIELAB (D65) by scikit-image, for pictures of any size: conversions, the gamut of sRGB, distances."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import torch
from skimage import color as untyped
from torch import Tensor

from diffstyle.ops.strips import strips

Array: TypeAlias = npt.NDArray[np.float32]

color: Any = untyped
STRIP_PIXELS = 2**19
_SLACK = 1e-4  # of linear light: rounding must not put a colour outside the gamut
_HALVINGS = 10


def to_lab(rgb: Array) -> Array:
    """sRGB (..., 3) in [0, 1] -> CIELAB (..., 3), L from 0 to 100."""
    return cast("Array", color.rgb2lab(rgb)).astype(np.float32, copy=False)


def to_srgb(lab: Array) -> Array:
    """CIELAB (..., 3) -> sRGB (..., 3); colours out of gamut are clipped channel by channel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the clipping
        return cast("Array", color.lab2rgb(lab)).astype(np.float32, copy=False)


def in_gamut(lab: Array) -> npt.NDArray[np.bool_]:
    """CIELAB (..., 3) -> (...) whether sRGB contains the colour."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        xyz = cast("Array", color.lab2xyz(lab))
    linear = xyz @ color.colorconv.rgb_from_xyz.T.astype(np.float32)
    return ((linear > -_SLACK) & (linear < 1 + _SLACK)).all(-1)


def towards(lab: Array, anchor: Array) -> Array:
    """`lab` (..., 3) with each colour out of gamut moved towards `anchor` (..., 3), as little as brings it into sRGB.

    `anchor` must be in gamut. The distance is found by bisection.
    """
    outside = ~in_gamut(lab)
    if not outside.any():
        return lab
    far, near = lab[outside], np.broadcast_to(anchor, lab.shape)[outside]  # (n, 3)
    low, high = np.zeros(len(far), np.float32), np.ones(len(far), np.float32)  # fractions inside and outside the gamut
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = in_gamut(cast("Array", near + middle[:, None] * (far - near)))
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    out = lab.copy()
    out[outside] = near + low[:, None] * (far - near)
    return out


def greys(lab: Array) -> Array:
    """CIELAB (..., 3) -> the grey (..., 3) of the same lightness as each colour."""
    return np.stack([lab[..., 0].clip(0, 100), np.zeros_like(lab[..., 0]), np.zeros_like(lab[..., 0])], -1)


def by_rows(change: Callable[..., Array], *planes: Tensor) -> Tensor:
    """`change`, a function of (h, w, 3) arrays that acts on each pixel alone, applied to `planes` (3, H, W) in strips.

    The result is (3, H, W).
    """
    out = torch.empty_like(planes[0])
    for strip in strips(*planes[0].shape[1:], pixels=STRIP_PIXELS):
        changed = np.ascontiguousarray(change(*(_rows(p, strip.rows()) for p in planes)))
        out[:, strip.rows()] = torch.from_numpy(changed).permute(2, 0, 1)
    return out


def mean_ab_distance(one: Tensor, other: Tensor, alpha: Tensor | None = None) -> float:
    """Mean of √(Δa² + Δb²), hue and saturation alone, between two pictures (3, H, W), weighted by `alpha` (1, H, W)."""
    total = weight = 0.0
    for strip in strips(*one.shape[1:], pixels=STRIP_PIXELS):
        a, b = (to_lab(_rows(p, strip.rows())) for p in (one, other))
        distance = np.hypot(*np.moveaxis(a[..., 1:] - b[..., 1:], -1, 0))
        counts = np.ones_like(distance) if alpha is None else alpha[0, strip.rows()].numpy()
        total, weight = total + float((distance * counts).sum(dtype=float)), weight + float(counts.sum(dtype=float))
    return total / max(weight, 1e-6)


def _rows(planes: Tensor, rows: slice) -> Array:
    """(3, H, W) -> (rows, W, 3)."""
    return np.ascontiguousarray(planes[:, rows].permute(1, 2, 0).numpy())

"""CIELAB (D65) by scikit-image, for pictures of any size: conversions, what sRGB can show, distances."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import torch
from skimage import color as untyped
from torch import Tensor

Array: TypeAlias = npt.NDArray[np.float32]

color: Any = untyped
STRIP_PIXELS = 2**19
_SLACK = 1e-4  # of linear light: within it a colour counts as one that sRGB has
_HALVINGS = 10


def to_lab(rgb: Array) -> Array:
    """(..., 3) sRGB in [0, 1] -> (..., 3) L, a, b."""
    return cast("Array", color.rgb2lab(rgb)).astype(np.float32, copy=False)


def to_srgb(lab: Array) -> Array:
    """The inverse; colours that sRGB lacks are cut off channel by channel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is cut off
        return cast("Array", color.lab2rgb(lab)).astype(np.float32, copy=False)


def in_gamut(lab: Array) -> npt.NDArray[np.bool_]:
    """(...) whether sRGB has the colour."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        xyz = cast("Array", color.lab2xyz(lab))
    linear = xyz @ color.colorconv.rgb_from_xyz.T.astype(np.float32)
    return ((linear > -_SLACK) & (linear < 1 + _SLACK)).all(-1)


def towards(lab: Array, anchor: Array) -> Array:
    """`lab` where sRGB has it, else the nearest colour to it on the way to `anchor`, which sRGB must have."""
    outside = ~in_gamut(lab)
    if not outside.any():
        return lab
    far, near = lab[outside], np.broadcast_to(anchor, lab.shape)[outside]  # (n, 3)
    low, high = np.zeros(len(far), np.float32), np.ones(len(far), np.float32)  # shares of the way that sRGB has, lacks
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = in_gamut(cast("Array", near + middle[:, None] * (far - near)))
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    out = lab.copy()
    out[outside] = near + low[:, None] * (far - near)
    return out


def greys(lab: Array) -> Array:
    """Each colour's grey of the same lightness."""
    return np.stack([lab[..., 0].clip(0, 100), np.zeros_like(lab[..., 0]), np.zeros_like(lab[..., 0])], -1)


def by_rows(change: Callable[..., Array], *planes: Tensor) -> Tensor:
    """`change` of (rows, W, 3) pieces of all `planes` (3, H, W), put together again (3, H, W)."""
    out = torch.empty_like(planes[0])
    for rows in _strips(*planes[0].shape[1:]):
        pieces = [np.ascontiguousarray(p[:, rows].permute(1, 2, 0).numpy()) for p in planes]
        out[:, rows] = torch.from_numpy(np.ascontiguousarray(change(*pieces))).permute(2, 0, 1)
    return out


def mean_ab_distance(one: Tensor, other: Tensor, alpha: Tensor | None = None) -> float:
    """Mean ΔE of hue and saturation alone, √(Δa² + Δb²), of two pictures (3, H, W); clear pixels do not count."""
    total = weight = 0.0
    for rows in _strips(*one.shape[1:]):
        a, b = (to_lab(np.ascontiguousarray(p[:, rows].permute(1, 2, 0).numpy())) for p in (one, other))
        distance = np.hypot(*np.moveaxis(a[..., 1:] - b[..., 1:], -1, 0))
        counts = np.ones_like(distance) if alpha is None else alpha[0, rows].numpy()
        total, weight = total + float((distance * counts).sum(dtype=float)), weight + float(counts.sum(dtype=float))
    return total / max(weight, 1e-6)


def _strips(height: int, width: int) -> Iterator[slice]:
    step = max(1, STRIP_PIXELS // width)
    return (slice(top, top + step) for top in range(0, height, step))

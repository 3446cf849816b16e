"""Geometry of unit vectors, such as embeddings. Computed in float64, returned in float32."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from diffstyle.core.errors import InputError

_SMALL = 1e-6


def unit(vector: Tensor, name: str) -> Tensor:
    """`vector` (d,) normalised to length 1; InputError if it has another shape, is zero or is not finite.

    `name` is what the message calls it.
    """
    if vector.ndim != 1 or len(vector) < 2:
        raise InputError(f"The embedding of {name} has the shape {tuple(vector.shape)}: it must be one vector.")
    v = vector.detach().to("cpu", torch.float64)
    length = _length(v)
    if not math.isfinite(length) or length < _SMALL:
        raise InputError(f"The embedding of {name} is zero or not finite: make the style again.")
    if abs(length - 1) < _SMALL:  # already normalised: a division would change its last bits
        return vector.detach().to("cpu", torch.float32)
    return (v / length).float()


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """The point at `t`, from 0 to 1, on the great circle from `a` (d,) to `b` (d,) (Shoemake 1985).

    InputError if they are opposite points, which no single great circle joins.
    """
    if t in (0, 1):
        return b if t else a
    x, y = a.double(), b.double()
    angle = _angle(x, y)
    if angle > math.pi - 1e-4:
        raise InputError("These two styles are exact opposites: there is no unique path between them.")
    if angle < 1e-7:
        return a
    mixed = (math.sin((1 - t) * angle) * x + math.sin(t * angle) * y) / math.sin(angle)
    return (mixed / _length(mixed)).float()


def mean(vectors: Tensor, weights: Tensor) -> Tensor:
    """The spherical mean (d,) of unit vectors (n, d) with `weights` (n,): it minimises the weighted squared angles.

    By gradient descent (Buss and Fillmore 2001). InputError if the vectors cancel each other out.
    """
    if len(vectors) == 1:
        return vectors[0]
    if len(vectors) == 2:
        return slerp(vectors[0], vectors[1], float(weights[1] / weights.sum()))
    v, w = vectors.double(), (weights / weights.sum()).double()
    x = w @ v
    if _length(x) < _SMALL:
        raise InputError("These styles cancel each other out: give one of them more weight.")
    x = x / _length(x)
    for _ in range(200):
        cosine = (v @ x).clamp(-1, 1)
        angle = cosine.arccos()
        away = v - cosine[:, None] * x
        tangent = away * (angle / away.square().sum(1).sqrt().clamp_min(1e-12))[:, None]
        step = w @ tangent
        length = _length(step)
        if length < 1e-12:
            break
        x = math.cos(length) * x + math.sin(length) * step / length
        x = x / _length(x)
    return x.float()


def _angle(a: Tensor, b: Tensor) -> float:
    """The angle between two unit vectors, accurate for small and large angles (Kahan 2006)."""
    return 2 * math.atan2(_length(a - b), _length(a + b))


def _length(vector: Tensor) -> float:
    return math.sqrt(float(vector.square().sum()))

"""How much a painted clip flickers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2 as untyped
import numpy as np

from diffstyle.ops.flow import (
    Array,
    Flags,
    consistent,
    flow_between,
    greys,
    inside,
    motion_boundaries,
    resized,
    squared,
    warped,
)

cv2: Any = untyped
LONGEST = 640  # pixels a side at which clips are compared
LEAST_SEEN = 0.3  # share of a frame that must be seen in the other one; less is a cut


def warping_errors(
    photos: Iterable[Array], versions: Sequence[Iterable[Array]], distances: Sequence[int] = (1,)
) -> list[Mapping[int, float]]:
    """The warping error of each of several `versions` of a clip, at each of the `distances` in frames.

    E = mean over t of  sum_x M(x) |V_t(x) - V_t+d(x + f(x))|² / sum_x M(x), where f is the flow of the photos from t to
    t + d, and M is 1 where f is consistent with the flow back, stays inside and is not at a motion boundary (Lai et al.
    2018, "Learning blind video temporal consistency", section 4; masks of Ruder et al. 2016). Squares are means over
    the three channels, in [0, 1]. The flow is that of DIS where they take FlowNet 2.0; frames that share less than a
    third, as at a cut, are left out; clips are compared at no more than 640 pixels a side. NaN for a clip without two
    frames at that distance.

    Pictures are (h, w, 3); those of a version may have another size than the photos. Nothing is kept but the last
    frames.
    """
    found: list[dict[int, list[float]]] = [{d: [] for d in distances} for _ in versions]
    last: deque[tuple[Array, ...]] = deque(maxlen=max(distances))
    for frames in zip(photos, *versions, strict=True):
        now = tuple(_small(frame, frames[0].shape) for frame in frames)
        for distance in distances:
            if len(last) < distance:
                continue
            then = last[-distance]
            flow, seen = _visible(then[0], now[0])
            if seen.mean() < LEAST_SEEN:
                continue
            for errors, before, after in zip(found, then[1:], now[1:], strict=True):
                apart = squared(before - warped(after, flow)) / 3
                errors[distance].append(float(apart[seen].mean()))
        last.append(now)
    return [{d: float(np.mean(e)) if e else float("nan") for d, e in errors.items()} for errors in found]


def _small(picture: Array, shape: tuple[int, ...]) -> Array:
    """`picture` at the size that photos of `shape` (h, w, 3) are compared at."""
    scale = min(1.0, LONGEST / max(shape[:2]))
    size = (max(16, round(shape[1] * scale)), max(16, round(shape[0] * scale)))
    if picture.shape[1::-1] == size:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def _visible(then: Array, now: Array) -> tuple[Array, Flags]:
    """The flow from one photo to a later one, and where it is to be trusted."""
    a, b = greys(then), greys(now)
    flow, back = resized(flow_between(a, b), then.shape), flow_between(b, a)
    return flow, consistent(flow, back) & inside(flow) & ~motion_boundaries(flow)

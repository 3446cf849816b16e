"""Where the subject of a photo is: what stands out, cut out along its silhouette (GrabCut, Rother et al. 2004)."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2 as untyped
import numpy as np
import numpy.typing as npt
import torch

from diffstyle.engines.media.canvas import Array
from diffstyle.ops.guided import guided_filter
from diffstyle.ops.lines import blur, gradient

cv2: Any = untyped
Labels: TypeAlias = npt.NDArray[np.uint8]
SIDE = 224  # pixels, the longest side on which it is cut out
ROUNDS = 3
_SURELY, _LIKELY, _SURELY_NOT = 0.93, 0.62, 0.25  # ranks of what stands out


def find_subject(rgb: Array, standing_out: Array, faces: Array) -> Array:
    """A photo (h, w, 3) and its fields `standing_out` and `faces` (h, w) -> (h, w) in [0, 1].

    It is 1 on the subject, and changes sharply at contours, softly elsewhere.
    """
    h, w = rgb.shape[:2]
    scale = SIDE / max(h, w)
    size = max(8, round(w * scale)), max(8, round(h * scale))
    small, ranks, found = (cv2.resize(f, size, interpolation=cv2.INTER_AREA) for f in (rgb, standing_out, faces))
    labels = np.zeros((size[1], size[0]), np.uint8) + np.uint8(cv2.GC_PR_BGD)
    labels[ranks > _LIKELY] = cv2.GC_PR_FGD
    labels[ranks < _SURELY_NOT] = cv2.GC_BGD
    labels[(ranks > _SURELY) | (found > 0.8)] = cv2.GC_FGD
    likely = _inside(labels)
    if likely.min() == likely.max():
        return np.full((h, w), likely[0, 0], np.float32)
    cv2.setRNGSeed(1)  # its k-means draws from the generator of OpenCV
    pixels = (small.clip(0, 1) * 255).astype(np.uint8)
    cv2.grabCut(pixels, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    inside = _inside(labels)
    down, across = gradient(small)
    edge = (4 * blur(np.sqrt((down**2 + across**2).sum(2)), 1.5)).clip(0, 1)  # a cut through plain areas is soft
    loose = blur(inside, 6.0)
    cut = cv2.resize(loose + (blur(inside, 0.8) - loose) * edge, (w, h), interpolation=cv2.INTER_LINEAR)
    return _snapped(cut, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))


def _inside(labels: Labels) -> Array:
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)


def _snapped(cut: Array, grey: Array) -> Array:
    """A cut (h, w) whose edges lie on those of `grey` (h, w)."""
    values, guide = (torch.from_numpy(np.ascontiguousarray(f))[None, None] for f in (cut, grey))
    snapped = guided_filter(values, guide, radius=6, epsilon=1e-3, shrink=1)[0, 0].numpy()
    return ((snapped - 0.5) * np.float32(1.25) + np.float32(0.5)).clip(0, 1)

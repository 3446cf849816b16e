"""Measures of a stylised picture that need no network.

A ratio is the distance of the output to the style over that of the untouched content: 1 for the photo itself, 0 for the
style's own statistics. Pictures are (h, w, 3) float32 in [0, 1], all of one size; 256 x 256 is customary. The measures
rank candidates and guard against regressions; whether a picture is good, blind comparison decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from diffstyle.ops import edges, luma, patches

Array = npt.NDArray[np.float32]
LUMA = np.array(luma.LUMA, np.float32)
YCC = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], np.float32)
LEVELS = 3


@dataclass(frozen=True, slots=True)
class Measures:
    """`texture_ratio` compares patches of luminance matched in mean and deviation: a mere colour transfer scores 1.
    `colour_ratio` compares single pixels. `structure` is the correlation of gradients with the content's: 1 if every
    edge is kept.
    """

    texture_ratio: float
    colour_ratio: float
    structure: float


def measure(content: Array, style: Array, out: Array) -> Measures:
    """All measures of `out`, which is `content` painted in `style`."""
    return Measures(texture_ratio(content, style, out), colour_ratio(content, style, out), structure(out, content))


def texture_ratio(content: Array, style: Array, out: Array) -> float:
    """`texture_distance` of `out` to the style over that of `content`."""
    return texture_distance(out, style) / max(texture_distance(content, style), 1e-6)


def colour_ratio(content: Array, style: Array, out: Array) -> float:
    """`colour_distance` of `out` to the style over that of `content`."""
    return colour_distance(out, style) / max(colour_distance(content, style), 1e-6)


def sliced_wasserstein(a: Array, b: Array, rng: np.random.Generator, projections: int = 128) -> float:
    """Mean distance of sorted random projections of two equally large samples (n, d) (Rabin et al. 2011)."""
    directions = rng.normal(size=(a.shape[1], projections)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=0)
    x, y = (patches.sorted_projections(torch.tensor(s).mT[None], torch.from_numpy(directions)) for s in (a, b))
    return float(patches.wasserstein(x, y))


def texture_distance(picture: Array, reference: Array, seed: int = 0, samples: int = 6144) -> float:
    """Sliced Wasserstein distance of mean-free 7x7 patches of luminance, summed over three scales."""
    return texture_distance_of_all([picture], reference, seed, samples)


def texture_distance_of_all(pictures: Sequence[Array], reference: Array, seed: int = 0, samples: int = 6144) -> float:
    """`texture_distance` of the patches of several pictures, taken as one set."""
    b = reference @ LUMA
    seen = [_with_contrast_of(p @ LUMA, b) for p in pictures]
    total, each = 0.0, samples // len(seen)
    for level in range(LEVELS):
        rng = np.random.default_rng(seed + level)
        found = np.concatenate([_patches(a, each, rng) for a in seen])
        wanted = _patches(b, len(found), rng)
        total += sliced_wasserstein(found, wanted, np.random.default_rng(seed + 30 + level))
        seen, b = [_halved(a) for a in seen], _halved(b)
    return total


def _with_contrast_of(light: Array, other: Array) -> Array:
    matched: Array = (light - light.mean()) / max(float(light.std()), 1e-4) * other.std() + other.mean()
    return matched


def colour_distance(picture: Array, reference: Array, seed: int = 0, samples: int = 8192) -> float:
    """Sliced Wasserstein distance of colours in a luminance and chrominance space."""
    rng = np.random.default_rng(seed)
    a, b = (p.reshape(-1, 3)[rng.integers(0, p.shape[0] * p.shape[1], samples)] @ YCC.T for p in (picture, reference))
    return sliced_wasserstein(a, b, np.random.default_rng(seed + 1))


def structure(picture: Array, content: Array) -> float:
    """Correlation of blurred gradient magnitudes of luminance, mean of two scales."""
    a, b = (torch.from_numpy(p @ LUMA).double()[None, None] for p in (picture, content))
    return float(edges.edge_correlation(a, b))


def _patches(a: Array, count: int, rng: np.random.Generator, side: int = 7) -> Array:
    ys, xs = (rng.integers(0, n - side + 1, count) for n in a.shape)
    found = np.lib.stride_tricks.sliding_window_view(a, (side, side))[ys, xs].reshape(count, -1)  # (count, side²)
    return found - found.mean(1, keepdims=True)


def _halved(a: Array) -> Array:
    h, w = a.shape
    return a[: h // 2 * 2, : w // 2 * 2].reshape(h // 2, 2, w // 2, 2).mean((1, 3))

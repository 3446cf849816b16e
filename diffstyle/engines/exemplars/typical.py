"""Which pictures of a collection stand for all of them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from diffstyle.core.picture import Picture

SIDE = 64  # pixels, at which colours are compared
RESTARTS = 8

Array = npt.NDArray[np.float64]


def most_typical(pictures: Sequence[Picture], embeddings: Tensor, count: int) -> list[int]:
    """Indices, ascending, of `count` pictures: those nearest to the centres of k-means clusters (k-means++, Arthur and
    Vassilvitskii 2007) of their colours and `embeddings` (n, d), which count alike.

    The centres spread over the collection and lie where it is dense, so that an odd picture is rarely chosen. The same
    pictures in the same order always give the same choice.
    """
    points = np.concatenate((_scaled(_colours(pictures)), _scaled(embeddings.double().numpy())), 1)
    centres = min((_clustered(points, count, seed) for seed in range(RESTARTS)), key=lambda c: _spread(points, c))
    chosen: list[int] = []
    for distances in _distances(centres, points):
        order = (int(n) for n in np.argsort(distances, kind="stable"))
        chosen.append(next(n for n in order if n not in chosen))
    return sorted(chosen)


def _colours(pictures: Sequence[Picture]) -> Array:
    """(n, 12): mean, deviation, and first and last decile of each picture's channels."""
    small = [p.resized((SIDE, SIDE)).pixels.double().flatten(1) for p in pictures]  # (3, pixels)
    deciles = torch.tensor([0.1, 0.9], dtype=torch.float64)
    rows = [torch.cat((x.mean(1), x.std(1), x.quantile(deciles, 1).flatten())) for x in small]
    return torch.stack(rows).numpy()


def _scaled(points: Array) -> Array:
    """`points` (n, d) about their mean, at a mean squared distance of 1 from it."""
    centred = points - points.mean(0)
    return centred / max(float(np.sqrt(np.square(centred).sum(1).mean())), 1e-9)


def _clustered(points: Array, count: int, seed: int) -> Array:
    """Centres (count, d)."""
    from scipy.cluster import vq

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a cluster without pictures keeps its centre
        centres, _ = vq.kmeans2(points, count, iter=25, minit="++", rng=np.random.default_rng(seed))
    return centres


def _spread(points: Array, centres: Array) -> float:
    return float(_distances(centres, points).min(0).sum())


def _distances(a: Array, b: Array) -> Array:
    """Squared, (len(a), len(b))."""
    return np.square(a[:, None] - b[None]).sum(2)

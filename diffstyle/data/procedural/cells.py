"""Media made of cells of one colour."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.spatial import Delaunay, KDTree

from diffstyle.data.procedural.fields import Array, coordinates, gradient, noise, size
from diffstyle.data.procedural.palette import Inks, luma, saturated

BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])


def mosaic(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Nearly square tiles with jittered glaze, set in grout."""
    step = max(5.0, stroke * 1.3)
    owner, border = _voronoi(size(photo), _jittered_grid(size(photo), step, 0.18, rng), max(1.0, step * 0.1))
    glaze = _means(saturated(photo, 1.3), owner)
    glaze += rng.normal(0, 0.05, (len(glaze), 1)).astype(np.float32)
    grout = inks.paper * 0.75
    return np.where(border[..., None], grout, glaze[owner])


def stained_glass(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Irregular panes of strong colour in dark leads."""
    step = max(14.0, stroke * 4)
    owner, border = _voronoi(size(photo), _jittered_grid(size(photo), step, 0.5, rng), max(1.5, step * 0.06))
    panes = saturated(_means(photo, owner), 2.6) * 1.15
    light = 1 + 0.04 * noise(size(photo), step / 3, rng)
    return np.where(border[..., None], inks.ink * 0.4, panes[owner] * light[..., None]).astype(np.float32)


def low_poly(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Flat triangles, smaller where there is detail."""
    h, w = size(photo)
    step = max(10.0, stroke * 3)
    points = _jittered_grid((h, w), step, 0.5, rng)
    grey = luma(photo)
    edges = np.hypot(*gradient(grey)).astype(np.float64).ravel() + 1e-6
    extra = rng.choice(h * w, len(points) // 2, p=edges / edges.sum())
    corners = [(0, 0), (0, w - 1), (h - 1, 0), (h - 1, w - 1)]
    points = np.concatenate([points, np.stack([extra // w, extra % w], 1), corners])
    owner = np.asarray(Delaunay(points).find_simplex(_pixels(h, w)), np.intp).reshape(h, w).clip(0)
    return saturated(_means(photo, owner), 1.4)[owner]


def pixel_art(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Large square pixels, a hundredth of the longer side and more, in a small bright palette, ordered dither between
    neighbours (Bayer 1973)."""
    h, w = size(photo)
    side = max(3, round(0.006 * max(h, w) + 0.6 * stroke))
    low, high = np.percentile(photo, (1, 99))
    bright = saturated(((photo - low) / max(0.1, float(high - low))).clip(0, 1), rng.uniform(1.2, 1.9))
    small = Image.fromarray((bright * 255).astype(np.uint8)).resize(
        (max(8, -(-w // side)), max(8, -(-h // side))), Image.Resampling.BOX
    )
    palette = small.quantize(int(rng.choice([8, 12, 16, 24])), dither=Image.Dither.NONE, kmeans=2)
    y, x = np.indices((small.height, small.width)) % 4
    screen = (BAYER[y, x] - 7.5) * rng.uniform(0.3, 2)
    dithered = Image.fromarray((np.asarray(small) + screen[..., None]).clip(0, 255).astype(np.uint8))
    small = dithered.quantize(palette=palette, dither=Image.Dither.NONE).convert("RGB")
    large = np.asarray(small, np.float32).repeat(side, 0).repeat(side, 1) / np.float32(255)
    return large[:h, :w]


def _jittered_grid(shape: tuple[int, int], step: float, jitter: float, rng: np.random.Generator) -> Array:
    """(n, 2) points, rows and columns, about `step` apart."""
    rows, columns = (np.arange(step / 2, n, step, dtype=np.float32) for n in shape)
    points = np.stack([np.repeat(rows, len(columns)), np.tile(columns, len(rows))], 1)
    return (points + rng.uniform(-jitter, jitter, points.shape) * step).astype(np.float32)


def _voronoi(shape: tuple[int, int], points: Array, gap: float) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """The nearest point of every pixel, and whether the pixel lies within `gap` of the border of its cell."""
    found = cast("tuple[object, object]", KDTree(points).query(_pixels(*shape), 2))
    distance, owner = np.asarray(found[0], np.float32), np.asarray(found[1], np.intp)
    border = distance[:, 1] - distance[:, 0] < 2 * gap
    return owner[:, 0].reshape(shape), border.reshape(shape)


def _pixels(height: int, width: int) -> Array:
    """(n, 2): row and column of every pixel."""
    return np.stack(coordinates(height, width), -1).reshape(-1, 2)


def _means(photo: Array, owner: npt.NDArray[np.intp]) -> Array:
    """(n, 3): the mean colour of each cell."""
    flat, n = owner.ravel(), int(owner.max()) + 1
    count = np.maximum(np.bincount(flat, minlength=n), 1)
    return np.stack([np.bincount(flat, photo[..., c].ravel(), n) / count for c in range(3)], 1).astype(np.float32)

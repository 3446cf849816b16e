"""Pictures in the manner of painters of the twentieth century: facets, drips, fields, bold outlines."""

from __future__ import annotations

import numpy as np

from diffstyle.data.procedural.fields import Array, blur, coordinates, gradient, noise, sample, size
from diffstyle.data.procedural.palette import Inks, luma


def pop_art(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Flat bright colours, a field of dots between them, thick outlines."""
    tone = blur(luma(photo), stroke * 0.45)
    low, high = np.quantile(tone, (0.3, 0.68))
    y, x = coordinates(*size(photo))
    pitch = max(4.0, stroke * 1.1)
    turned = (x + y) / pitch, (x - y) / pitch
    dots = np.hypot(turned[0] % 1.42 - 0.71, turned[1] % 1.42 - 0.71) < 0.46
    dark, light = inks.accents if rng.random() < 0.5 else inks.accents[::-1]
    out = np.where((tone > high)[..., None], inks.paper, np.where(dots[..., None], light, inks.paper))
    out = np.where((tone < low)[..., None], dark, out)
    edges = blur(np.hypot(*gradient(tone)), stroke * 0.12)
    outline = (edges / max(float(np.quantile(edges, 0.93)), 1e-4) - 0.75).clip(0, 1)
    return blur((out * (1 - outline[..., None]) + 0.05 * outline[..., None]).astype(np.float32), (0.5, 0.5, 0))


def cubist(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """The view broken along straight lines, every facet moved, shaded across and edged in the ink."""
    y, x = coordinates(*size(photo))
    side = max(size(photo))
    cell = np.zeros(size(photo), np.int64)
    border = np.zeros(size(photo), np.float32)
    for n in range(int(rng.integers(8, 13))):
        angle = rng.uniform(0, np.pi)
        middle = rng.uniform(0.1, 0.9, 2)
        across = (x / side - middle[0]) * np.cos(angle) + (y / side - middle[1]) * np.sin(angle)
        cell += (across > 0).astype(np.int64) << n
        border = np.maximum(border, np.exp(-np.square(across * side / (0.35 * stroke))).astype(np.float32))
    _, cell = np.unique(cell, return_inverse=True)
    cell = cell.reshape(size(photo))
    shift = rng.normal(0, stroke * 1.6, (2, int(cell.max()) + 1)).astype(np.float32)
    moved = sample(luma(photo), y + shift[0][cell], x + shift[1][cell])
    slope = rng.uniform(-0.9, 0.9, (2, int(cell.max()) + 1)).astype(np.float32)
    level = rng.uniform(-0.16, 0.16, int(cell.max()) + 1).astype(np.float32)
    shade = ((y / side - 0.5) * slope[0][cell] + (x / side - 0.5) * slope[1][cell]) * 0.6 + level[cell]
    tone = (np.round(moved * 5) / 5 * 0.75 + 0.15 + shade + 0.03 * noise(size(photo), 1.5, rng)).clip(0, 1)
    out = inks.between(tone.astype(np.float32))
    accent = np.isin(cell, rng.permutation(int(cell.max()) + 1)[: max(1, int(cell.max()) // 7)])[..., None] * 0.45
    out = out * (1 - accent) + accent * inks.accents[0] * (0.4 + 0.6 * tone[..., None])
    return (out * (1 - 0.7 * border[..., None]) + inks.ink * 0.7 * border[..., None]).astype(np.float32)


def action_painting(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """Webs of thrown paint and spatters, denser where the photo is dark."""
    tone = blur(luma(photo), stroke * 1.5)
    out = np.broadcast_to(inks.paper, photo.shape).astype(np.float32)
    for colour in (inks.ink, *inks.accents, inks.ink, inks.paper):
        field = noise(size(photo), stroke * float(rng.uniform(0.7, 1.6)), rng)
        width = 0.05 + 0.13 * (1 - tone)
        web = (1.6 - np.abs(field - rng.uniform(-0.6, 0.6)) / width).clip(0, 1)
        spatter = ((noise(size(photo), stroke * 0.16, rng) - 2.5) * 5).clip(0, 1)
        cover = np.maximum(web, spatter)[..., None]
        out = out * (1 - cover) + colour * cover
    return out.astype(np.float32)


def colour_field(photo: Array, inks: Inks, stroke: float, rng: np.random.Generator) -> Array:
    """A few large areas of even colour with soft edges."""
    tone = blur(luma(photo), stroke * 3)
    levels = np.quantile(tone, np.sort(rng.uniform(0.2, 0.8, 2)))
    colours = np.array([inks.ink, *inks.accents], np.float32)[rng.permutation(3)]
    areas = colours[np.digitize(tone, levels)]
    cloud = 1 + 0.05 * noise(size(photo), stroke * 0.8, rng)[..., None]
    return (blur(areas, (stroke * 0.5, stroke * 0.5, 0)) * cloud).astype(np.float32)

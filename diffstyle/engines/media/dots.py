"""Dots set one by one: stipple and pointillism."""

from __future__ import annotations

import numpy as np

from diffstyle.engines.media.canvas import Array, Draw, Window, fill, from_bytes, to_bytes
from diffstyle.engines.media.look import Look, ramp, saturated
from diffstyle.engines.media.photo import Photo, Rng, spread
from diffstyle.ops.lines import blur

DOT = 1.75  # units, the radius of a stippled dot
_CIRCLE = np.linspace(0, 2 * np.pi, 17)[:-1]


def stipple(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Round dots, the closer the darker and never on a grid (variable-radius Poisson discs, after Secord 2002)."""
    amount = look.amount(photo.tone).clip(0.004, 1)
    dot = DOT * look.grain
    area = np.pi * dot**2
    apart = np.sqrt(0.6 * area / (amount**1.25 * 0.93)).clip(dot * 1.05, dot * 14)
    points = spread(apart.astype(np.float32), rng, tries=round(110_000 / look.grain**2))
    here = photo_at(amount, points)
    keep = rng.random(len(points)) < (here * 14).clip(0, 1)
    points, here = points[keep], here[keep]
    radii = dot * (0.72 + 0.5 * here + rng.normal(0, 0.06, len(points)))
    shape = _CIRCLE[None, :, None], np.stack([np.sin(_CIRCLE), np.cos(_CIRCLE)], -1)[None]
    discs = points[:, None] + radii[:, None, None] * shape[1]
    ink = tuple(int(v) for v in to_bytes(look.ink))

    def draw(window: Window) -> Array:
        canvas = window.canvas(look.paper)
        chosen = window.near(points[:, 0], dot * 2)
        for disc in window.points(discs[chosen]):
            fill(canvas, disc, ink)
        return from_bytes(canvas)

    return draw


def pointillism(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Dabs of pure paint whose colours mix in the eye: each differs from the photo's, their mean does not (Seurat).

    Large dabs cover the canvas, smaller ones follow where there is detail.
    """
    base = ramp(look.inks, photo.tone) if look.said else photo.rgb
    crisp = (base + 0.5 * (base - blur(base, 6.0))).clip(0, 1)
    layers: list[tuple[Array, Array, Array]] = []
    for size, least in ((7.6, 0.0), (5.8, 0.2), (4.3, 0.55)):
        radius = size * look.grain
        apart = np.where(photo.detail >= least, np.float32(radius * 1.18), np.float32(radius * 5))
        points = spread(apart, rng, tries=round(26_000 / look.grain**2 * (7.6 / size) ** 2))
        points = points[photo_at(photo.detail, points) >= least]
        colours = _pure(photo_at(blur(crisp, radius * 0.45), points), rng)
        angle = photo_at(photo.flow, points)
        layers.append((points, _dabs(points, radius, angle, rng), colours))
    places, dabs, colours = (np.concatenate([layer[n] for layer in layers]) for n in range(3))
    paints = to_bytes(colours).tolist()
    ground = look.paper * 0.5 + base.mean((0, 1)) * 0.5

    def draw(window: Window) -> Array:
        canvas = window.canvas(ground)
        chosen = window.near(places[:, 0], 10 * look.grain)
        for n, dab in zip(chosen.tolist(), window.points(dabs[chosen]), strict=True):
            fill(canvas, dab, paints[n])
        return from_bytes(canvas)

    return draw


def photo_at(field: Array, points: Array) -> Array:
    """A field at points (n, 2), the nearest pixel."""
    h, w = field.shape[:2]
    return field[points[:, 0].astype(int).clip(0, h - 1), points[:, 1].astype(int).clip(0, w - 1)]


def _pure(colours: Array, rng: Rng) -> Array:
    """Colours (n, 3) moved in opposite directions: hues to either side, towards their complement, lighter, darker."""
    rich = saturated(colours, 1.55)
    shift = rng.choice(
        np.array([[0.17, -0.05, -0.14], [-0.15, 0.06, 0.13], [-0.1, -0.06, 0.22], [0.12, 0.1, -0.2]]), len(colours)
    )
    light = rng.normal(0, 0.05, (len(colours), 1))
    return (rich + shift * rng.uniform(0.2, 1, (len(colours), 1)) + light).clip(0, 1).astype(np.float32)


def _dabs(points: Array, radius: float, angle: Array, rng: Rng) -> Array:
    """(n, 16, 2): slightly long and uneven outlines around points, turned to `angle`."""
    n = len(points)
    uneven = 1 + rng.normal(0, 0.06, (n, len(_CIRCLE)))
    long = radius * rng.uniform(1.0, 1.3, (n, 1)) * np.cos(_CIRCLE) * uneven
    short = radius * rng.uniform(0.75, 0.95, (n, 1)) * np.sin(_CIRCLE) * uneven
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    outline = np.stack([long * sine + short * cosine, long * cosine - short * sine], -1)
    return (points[:, None] + outline).astype(np.float32)

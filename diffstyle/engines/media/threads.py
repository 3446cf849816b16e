"""Embroidery: satin stitches of floss along the forms."""

from __future__ import annotations

import numpy as np

from diffstyle.engines.media.canvas import Array, Draw, Window, canvas_of, from_bytes, stroke, to_bytes
from diffstyle.engines.media.dots import photo_at
from diffstyle.engines.media.look import Look, nearest, palette, ramp, saturated
from diffstyle.engines.media.photo import Photo, Rng, spread
from diffstyle.ops.lines import blur, noise


def embroidery(photo: Photo, look: Look, rng: Rng) -> Draw:
    """Shining stitches side by side along the forms, long in flat areas and short where there is detail, in a few
    colours of floss.
    """
    width = 3.3 * look.grain
    colours = ramp(look.inks, photo.tone) if look.said else saturated(photo.rgb, 1.4)
    colours = blur(colours + 0.5 * (colours - blur(colours, 5.0)), 0.8).clip(0, 1)
    floss = palette(colours.reshape(-1, 3), 36, rng)
    apart = np.full(photo.shape, width * 1.2, np.float32) + (1 - photo.detail) * width * 0.5
    points = spread(apart, rng, tries=60_000)
    points = points[rng.permutation(len(points))]
    detail = photo_at(photo.detail, points)
    angle = photo_at(photo.flow, points) + rng.normal(0, 0.07, len(points))
    length = width * (7.5 - 4.8 * detail) * rng.uniform(0.85, 1.15, len(points))
    step = np.stack([np.sin(angle), np.cos(angle)], -1) * (length / 2)[:, None]
    across = np.stack([np.cos(angle), -np.sin(angle)], -1) * (width * 0.22)
    across *= np.where(across[:, :1] > 0, -1, 1)  # the light comes from above
    ends = np.stack([points - step, points + step], 1)
    paint = floss[nearest(photo_at(colours, points), floss)] * (1 + rng.normal(0, 0.04, (len(points), 1)))
    lit = np.abs(np.cos(angle - 0.7))[:, None]  # sheen depends on the direction of the thread
    dark, mid = to_bytes(paint * 0.52).tolist(), to_bytes(paint * (0.86 + 0.14 * lit)).tolist()
    bright = to_bytes(paint * (0.98 + 0.2 * lit) + 0.05 * lit).tolist()
    under = blur(colours, 3.0) * 0.55
    cloth = 0.06 * noise(photo.shape, 0.8, rng)

    def draw(window: Window) -> Array:
        canvas = canvas_of(window.sample(under, smooth=False))
        chosen = window.near(points[:, 0], float(length.max()) / 2 + width)
        lines, shine = window.points(ends[chosen]), window.points(ends[chosen] + across[chosen][:, None])
        outer, inner, top = window.thick(width), window.thick(width * 0.72), window.thick(width * 0.3)
        for n, line, gleam in zip(chosen.tolist(), lines, shine, strict=True):
            stroke(canvas, line, dark[n], outer)
            stroke(canvas, line, mid[n], inner)
            stroke(canvas, gleam, bright[n], top)
        return from_bytes(canvas) * (1 + window.sample(cloth))[..., None]

    return draw

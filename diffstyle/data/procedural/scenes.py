"""Random landscapes of a sky, hills and simple shapes, used in place of photos."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from diffstyle.data.procedural.fields import noise


def scene(rng: np.random.Generator, side: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A random landscape (side, side, 3) uint8, with the shading and grain of a photo."""
    h, w = side, side
    top, bottom, ground = (rng.uniform(0.1, 0.95, 3) for _ in range(3))
    y = np.linspace(0, 1, h)[:, None, None]
    sky = top + (bottom - top) * y + np.zeros((h, w, 1))
    image = Image.fromarray((sky * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for n in range(3):
        level = h * (0.45 + 0.17 * n)
        ridge = level + h * 0.09 * noise((1, w), w * 0.05 / (n + 1), rng)[0]
        shade = tuple(int(255 * c) for c in (ground * (0.5 + 0.25 * n)).clip(0, 1))
        draw.polygon([(0, h), *((x, float(v)) for x, v in enumerate(ridge)), (w, h)], fill=shade)
    for _ in range(int(rng.integers(3, 9))):
        x, base, size = rng.uniform(0, w), rng.uniform(0.4, 0.95) * h, rng.uniform(0.06, 0.28) * h
        fill = tuple(int(v) for v in rng.integers(20, 245, 3))
        box = (x - size / 2, base - size, x + size / 2, base)
        kind = rng.integers(3)
        if kind == 0:
            draw.ellipse(box, fill=fill)
        elif kind == 1:
            draw.rectangle(box, fill=fill)
        else:
            draw.polygon([(box[0], box[3]), (x, box[1]), (box[2], box[3])], fill=fill)
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(side / 400)), np.float32)
    light = 1 + 0.16 * noise((h, w), side * 0.06, rng) + 0.04 * noise((h, w), 1.2, rng)
    return (soft * light[..., None]).clip(0, 255).astype(np.uint8)

"""Procedural styles: a photo rendered in a medium by rule, so that its description is true by construction.

>>> rendering = render(photo, "halftone", np.random.default_rng(0))
>>> rendering.words
('halftone', 'coarse', 'navy blue', 'cream')
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from diffstyle.data.procedural import canvases, cells, dots, lines, washes
from diffstyle.data.procedural.palette import Inks, draw_inks, tinted

Pixels = npt.NDArray[np.uint8]

Medium = Callable[[npt.NDArray[np.float32], Inks, float, np.random.Generator], npt.NDArray[np.float32]]
"""(photo (h, w, 3) in [0, 1], inks, stroke size in pixels, generator) -> picture (h, w, 3)."""

MEDIA: dict[str, Medium] = {
    "halftone": dots.halftone,
    "stipple": dots.stipple,
    "pointillism": dots.pointillism,
    "oil dabs": dots.oil_dabs,
    "cross-hatching": lines.cross_hatching,
    "woodcut": lines.woodcut,
    "engraving": lines.engraving,
    "pencil drawing": lines.pencil,
    "ink line drawing": lines.ink,
    "blueprint": lines.blueprint,
    "neon edges": lines.neon,
    "mosaic": cells.mosaic,
    "stained glass": cells.stained_glass,
    "low-poly": cells.low_poly,
    "pixel art": cells.pixel_art,
    "watercolour wash": washes.watercolour,
    "poster": washes.poster,
    "risograph": washes.risograph,
    "charcoal": washes.charcoal,
    "pop art": canvases.pop_art,
    "cubist facets": canvases.cubist,
    "action painting": canvases.action_painting,
    "colour field": canvases.colour_field,
}

INKED = {
    "halftone",
    "stipple",
    "cross-hatching",
    "woodcut",
    "engraving",
    "pencil drawing",
    "ink line drawing",
    "poster",
    "charcoal",
}
"""Media that visibly consist of ink on paper, so that captions may name those colours."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A picture (h, w, 3) uint8 and words that describe it: medium, grain, ink and paper."""

    pixels: Pixels
    words: tuple[str, ...]


def render(
    photo: Pixels, medium: str, rng: np.random.Generator, *, longest: int = 512, tint: bool = False
) -> Rendering:
    """`photo` (h, w, 3) in `medium`, one of `MEDIA`, with random inks and stroke size; its longest side is `longest`.

    With `tint`, media that take their colours from the photo are recoloured half the time.
    """
    image = Image.fromarray(photo)
    scale = longest / max(image.size)
    size = (max(32, round(image.width * scale)), max(32, round(image.height * scale)))
    content = np.asarray(image.resize(size, Image.Resampling.LANCZOS), np.float32) / np.float32(255)
    inks = draw_inks(rng)
    grain = float(rng.uniform(0, 1))
    if tint and medium not in INKED and rng.random() < 0.5:
        content = tinted(content, rng)
    stroke = longest * (0.008 + 0.02 * grain)
    out = MEDIA[medium](content, inks, stroke, rng)
    colours = (inks.ink_name, inks.paper_name) if medium in INKED else ()
    words = (medium, "coarse" if grain > 0.6 else "fine" if grain < 0.3 else "", *colours)
    return Rendering((out.clip(0, 1) * 255).round().astype(np.uint8), tuple(w for w in words if w))

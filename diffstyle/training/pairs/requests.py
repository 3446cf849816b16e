"""What each pair asks for: a crop of a photo, and a style in a picture or words; the generator decides everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from diffstyle.assets.atlas import Atlas
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.data.colour_names import COLOURS
from diffstyle.data.procedural import MEDIA as PROCEDURAL
from diffstyle.data.procedural import render
from diffstyle.data.words.lexicon import MEDIA
from diffstyle.training.data import CropBox, Pixels

SMALL, LARGE, SMALL_SHARE = 256, 384, 0.6  # sides of the paintings, in pixels: marks of both sizes
CONTENT_ZOOM = (1.0, 4.0)  # up to the whole photo
STYLE_SIDE, STYLE_ZOOM = 384, (0.5, 1.5)
EACH = 2  # photos in each style
IN_WORDS, RENDERED = 0.35, 0.08  # shares of styles; all others are works of art
COLOURED = 0.4  # share of words that name colours
REARRANGING = ("warhol",)  # media that do not leave the photo's shapes where they are
PAINTED_CONTENT = 0.1  # share of contents that are paintings
STRENGTHS = (0.9, 1.0)
STRUCTURES = (0.1, 0.5)  # at most the default: the marks are what is learned


@dataclass(frozen=True, slots=True)
class PairRequest:
    """`photo` (side, side, 3) uint8 to be painted in `style`; `caption` is its words, or "" for a picture."""

    photo: Pixels
    style: Style
    caption: str
    strength: float
    structure: float
    seed: int


@dataclass(frozen=True)
class Material:
    """Photos and works of art to draw from."""

    photos: Sequence[Pixels]
    art: Sequence[Pixels]
    artists: tuple[str, ...] = field(default_factory=lambda: artists())

    @cached_property
    def media(self) -> tuple[str, ...]:
        return tuple(name for name in MEDIA if name not in REARRANGING)


def requests(material: Material, number: int, *, seed: int) -> list[PairRequest]:
    """The EACH pairs of style `number`: one style on different photos."""
    rng = np.random.default_rng((seed, number))
    side = SMALL if rng.random() < SMALL_SHARE else LARGE
    style, caption = _style(material, rng)
    found: list[PairRequest] = []
    for _ in range(EACH):
        source = material.art if rng.random() < PAINTED_CONTENT else material.photos
        photo = source[int(rng.integers(len(source)))]
        crop = CropBox.random(photo, side, zoom=CONTENT_ZOOM, rng=rng).cut(photo, side)
        strength, structure = float(rng.uniform(*STRENGTHS)), float(rng.uniform(*STRUCTURES))
        found.append(PairRequest(crop, style, caption, strength, structure, int(rng.integers(1, 1 << 31))))
    return found


def _style(material: Material, rng: np.random.Generator) -> tuple[Style, str]:
    kind = rng.random()
    if kind < IN_WORDS:
        words = _words(material, rng)
        return Style.from_text(words), words
    if kind < IN_WORDS + RENDERED:
        medium = str(rng.choice(list(PROCEDURAL)))
        photo = material.photos[int(rng.integers(len(material.photos)))]
        return Style.from_image(Picture.from_array(render(photo, medium, rng, longest=STYLE_SIDE).pixels)), ""
    work = material.art[int(rng.integers(len(material.art)))]
    shown = CropBox.random(work, STYLE_SIDE, zoom=STYLE_ZOOM, rng=rng).cut(work, STYLE_SIDE)
    return Style.from_image(Picture.from_array(np.ascontiguousarray(shown))), ""


def _words(material: Material, rng: np.random.Generator) -> str:
    """A medium or, one time in four, a painter; some in one or two colours."""
    named = str(rng.choice(material.artists if rng.random() < 0.25 else material.media))
    if rng.random() >= COLOURED:
        return named
    chosen = [str(c) for c in rng.choice(list(COLOURS), int(rng.integers(1, 3)), replace=False)]
    return f"{named}, {' and '.join(chosen)}"


def artists() -> tuple[str, ...]:
    """The painters of the atlas, in its order."""
    return tuple(dict.fromkeys(artist for entry in Atlas.load().entries for artist in entry.artists))

"""Photos in the media that words paint: by the rules of the engine `media`, and in the painter's techniques.

Their captions are true by construction, as those of `diffstyle.data.procedural` are, which draws fewer media.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

from diffstyle.data.painterly import techniques
from diffstyle.data.procedural import MEDIA as PROCEDURAL
from diffstyle.data.procedural import Pixels, Rendering
from diffstyle.data.procedural.palette import draw_inks, tinted
from diffstyle.data.words.parse import Words
from diffstyle.engines.media.canvas import Array, draw_all
from diffstyle.engines.media.choose import adjusted, look_of
from diffstyle.engines.media.photo import Photo
from diffstyle.engines.media.registry import MEDIA as RULES

Kind: TypeAlias = Literal["rule", "technique"]
Manner: TypeAlias = tuple[Kind, str]

CALLED = {"neon": "neon edges", "screen print": "poster", "impasto": "oil dabs", "graphite": "pencil drawing"}
"""Media that captions give another name."""
TECHNIQUES = (*techniques.MEDIA, *(m for m in techniques.WASHES if m != "suprematist"))
MANNERS: tuple[Manner, ...] = (*(("rule", m) for m in RULES), *(("technique", m) for m in TECHNIQUES))
RENDERED = frozenset({*PROCEDURAL, *(CALLED.get(name, name) for _, name in MANNERS)})
"""Names in captions of all media that pictures are rendered in."""
GRAINS = ("coarse", "fine", "")
COLOURED, TINTED = 0.4, 0.3  # shares of the renderings in drawn inks, and of the photos recoloured beforehand


def medium_of(manner: Manner) -> str:
    """The name that captions give to the medium."""
    return CALLED.get(manner[1], manner[1])


def render(photo: Pixels, manner: Manner, rng: np.random.Generator, *, longest: int) -> Rendering:
    """`photo` (h, w, 3) in a manner, with random inks and grain; its longest side is `longest`."""
    image = Image.fromarray(photo)
    scale = longest / max(image.size)
    size = (max(32, round(image.width * scale)), max(32, round(image.height * scale)))
    content = np.asarray(image.resize(size, Image.Resampling.LANCZOS), np.float32) / np.float32(255)
    if rng.random() < TINTED:
        content = tinted(content, rng)
    kind, name = manner
    out, grain = _by_rule(content, name, rng) if kind == "rule" else (_painted(content, name, rng), "")
    pixels = (out.clip(0, 1) * 255).round().astype(np.uint8)
    return Rendering(pixels, (medium_of(manner), *([grain] if grain else [])))


def _by_rule(photo: Array, name: str, rng: np.random.Generator) -> tuple[Array, str]:
    """The picture, and the word for its grain."""
    medium, grain = RULES[name], GRAINS[int(rng.integers(len(GRAINS)))]
    inks = draw_inks(rng)
    words = Words(media=((name, 1.0),), grain=grain)
    if medium.colouring != "photo" and rng.random() < COLOURED:
        words = Words(media=words.media, inks=(inks.ink_name,), paper=_known(inks.paper_name), grain=grain)
    look = look_of(medium, words, stroke=float(rng.uniform(0.85, 1.2)))
    draw = medium.rule(adjusted(Photo.of(photo), words, structure=0.5), look, rng)
    return draw_all(draw, int(photo.shape[0]), int(photo.shape[1]), _unwatched), grain


def _unwatched(done: int, total: int) -> None:
    """Called with strips of a picture that nobody waits for."""
    del done, total


def _painted(photo: Array, name: str, rng: np.random.Generator) -> Array:
    technique = techniques.technique_of(name)
    assert technique is not None
    return techniques.render(np.ascontiguousarray(photo, np.float32), technique, rng, lambda: None)


def _known(paper: str) -> str:
    """The paper by a name of `colour_names`."""
    return {"kraft brown": "tan"}.get(paper, paper)

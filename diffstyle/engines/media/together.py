"""Several media in one picture: ink over colours, or each in the parts of the photo that suit it; all over a painting.

Media in ink and paper lie as a drawing over media that have colours. Media of one kind share the picture out along its
own shapes: the one that shows more detail takes what stands out. Mixing their pixels would show both half transparent.
Over a painting they may be: they follow the same shapes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from diffstyle.engines.media.canvas import Array, Draw, Window
from diffstyle.engines.media.look import Look, saturated
from diffstyle.engines.media.photo import Photo, evened
from diffstyle.ops.lines import blur
from diffstyle.ops.luma import LUMA

FINEST_FIRST = (
    *["engraving", "cel shading", "ink line drawing", "comic", "pencil drawing", "etching"],
    *["cross-hatching", "woodcut", "hatching", "crayon", "chalk", "pop art"],
    *["linocut", "one-bit", "stipple", "screen print", "risograph", "neon"],
    *["colour halftone", "embroidery", "pointillism", "warhol", "glitch", "pixel art"],
    *["halftone", "newspaper", "paper cut", "line screen", "crt", "spiral"],
    *["cross-stitch", "stained glass", "low-poly", "mosaic", "knitted", "bricks"],
    *["ascii", "blueprint", "contour lines"],
)
"""Media, from those that show most of a subject to those that suit calm areas."""
WIDER = 1.3  # a drawing over colours takes more of the picture than its share, for the colours show there, too
PAPER = 0.7  # share of a drawing from which on its paper covers the colours
NIGHT = 0.6  # how far colours are darkened under neon
SAME_PAPER = 0.2  # greatest difference of papers that pass for one
EDGE = 7.0  # units in which a mask rises from 0 to 1


@dataclass(frozen=True, slots=True)
class Part:
    """A medium as it is drawn, and its share of the picture. `ink`: it is a drawing that can lie over colours. `glows`:
    it gives light.
    """

    name: str
    draw: Draw
    look: Look
    weight: float
    ink: bool
    glows: bool = False


@dataclass(frozen=True, slots=True)
class Painting:
    """The whole picture (h, w, 3) as it was painted in what no rule draws, and the share of that."""

    rows: Array
    weight: float


def together(parts: Sequence[Part], photo: Photo) -> Draw:
    """One `Draw` for media, each in its share; a medium alone is drawn as it is."""
    if len(parts) == 1:
        return parts[0].draw
    inks, areas = [p for p in parts if p.ink], [p for p in parts if not p.ink]
    if not inks or not areas:
        shares = _split(inks or areas, photo)
        return lambda window: _joined([(mask(window), part.draw(window)) for part, mask in shares])
    colours, drawings = _split(areas, photo), _split(inks, photo)
    share = sum(p.weight for p in inks) / sum(p.weight for p in parts)
    wide, paper = min(1, WIDER * share), max(0, (share - PAPER) / (1 - PAPER))
    finer = _mean_place(inks) <= _mean_place(areas)
    ends = (1 - wide, 1.0) if finer else (0.0, wide)
    inked = _Mask(photo.standing_out, *ends)
    glowing = sum(p.weight for p in inks if p.glows) / sum(p.weight for p in parts)
    night = np.float32(1 - NIGHT * min(1, 1.5 * glowing))  # everywhere: a dark part would show as a shadow

    def draw(window: Window) -> Array:
        ground = _joined([(mask(window), part.draw(window)) for part, mask in colours]).clip(0, 1) * night
        here = inked(window)
        over = _joined([(mask(window), _over(ground, part, window, np.float32(paper))) for part, mask in drawings])
        return ground * (1 - here) + over * here

    return draw


def over_painting(painting: Painting, parts: Sequence[Part], photo: Photo) -> Draw:
    """Media over a painting: those that have colours cover it by their share, then drawings lie on both. The weights of
    all sum to one.
    """
    inks, areas = [p for p in parts if p.ink], [p for p in parts if not p.ink]
    of_areas, of_inks = (sum(p.weight for p in kind) for kind in (areas, inks))
    coloured = together(areas, photo) if areas else None
    cover = np.float32(_opacity(of_areas / (of_areas + painting.weight)))
    drawings = _split(inks, photo) if inks else []
    here, paper = np.float32(_opacity(of_inks)), np.float32(max(0, (of_inks - PAPER) / (1 - PAPER)))

    def draw(window: Window) -> Array:
        ground = window.sample(painting.rows)
        if coloured is not None:
            ground = ground + cover * (coloured(window) - ground)
        if not drawings:
            return ground
        ground = ground.clip(0, 1)
        over = _joined([(mask(window), _over(ground, part, window, paper)) for part, mask in drawings])
        return ground + here * (over - ground)

    return draw


def _opacity(share: float) -> float:
    """How opaque a medium with this share lies over a painting: more than half at a half, for its marks have gaps."""
    return share**0.7


def _place(part: Part) -> int:
    """In `FINEST_FIRST`."""
    return FINEST_FIRST.index(part.name)


def _mean_place(parts: Sequence[Part]) -> float:
    return sum(p.weight * _place(p) for p in parts) / sum(p.weight for p in parts)


def _over(ground: Array, part: Part, window: Window, paper: np.float32) -> Array:
    """A drawing over colours `ground`, which its paper covers by the share `paper`.

    The drawing carries the tones, so the colours are brought nearer to one lightness; the ink takes a shade of them.
    """
    drawn = part.draw(window).clip(0, 1)
    if part.glows:
        over = 1 - (1 - ground) * (1 - drawn)
        return over * (1 - paper) + drawn * paper
    light = part.look.light_on_dark
    axis = part.look.ink - part.look.paper
    amount = (((drawn - part.look.paper) @ axis) / np.float32(axis @ axis)).clip(0, 1)[..., None]
    luma = (ground @ np.array(LUMA, np.float32))[..., None]
    least, most = (0.06, 0.45) if light else (0.42, 0.97)
    under = ground * ((least + (most - least) * luma) / (luma + 0.04)).clip(0.3, 4)
    own = 1 - (1 - saturated(under, 1.3)) * 0.35 if light else saturated(under, 1.3) * 0.22
    ink = part.look.ink if part.look.said else part.look.ink * 0.4 + own * 0.6
    over = under * (1 - amount) + ink * amount
    return over * (1 - paper) + drawn * paper


class _Mask:
    """Where a field of ranks lies between two thresholds, which share out the picture."""

    def __init__(self, ranks: Array, low: float, high: float) -> None:
        self.low, self.high = (_step(ranks, level) for level in (low, high))

    def __call__(self, window: Window) -> Array:
        """(rows, width, 1)"""
        above, below = (
            np.float32(constant) if field is None else window.cover((window.sample(field) - 0.5) * EDGE)
            for field, constant in ((self.low, 1), (self.high, 0))
        )
        return np.broadcast_to(above - below, (window.rows, window.width)).clip(0, 1)[..., None]


def _step(ranks: Array, level: float) -> Array | None:
    """(h, w): rises through 0.5 where ranks pass `level`; None at the ends of the scale."""
    return None if level <= 1e-6 or level >= 1 - 1e-6 else blur((ranks > level).astype(np.float32), 2.5)


def _split(parts: Sequence[Part], photo: Photo) -> list[tuple[Part, _Mask]]:
    """Each part with its mask, as large as its share: the finest has what stands out. Drawings on like papers pass into
    one another, so there the finest has the shadows.
    """
    ordered = sorted(parts, key=lambda p: -_place(p))
    ends = np.cumsum([0.0, *(p.weight for p in ordered)]) / sum(p.weight for p in ordered)
    if len(parts) == 1:
        ranks = photo.luma
    elif all(_alike(p, parts[0]) for p in parts):
        ranks = evened(-blur(photo.tone, 5.0))
    else:
        ranks = photo.standing_out
    return [(p, _Mask(ranks, float(ends[n]), float(ends[n + 1]))) for n, p in enumerate(ordered)]


def _alike(one: Part, other: Part) -> bool:
    """Whether both are drawings on papers of about one colour."""
    return one.ink and other.ink and float(np.abs(one.look.paper - other.look.paper).max()) < SAME_PAPER


def _joined(parts: Sequence[tuple[Array, Array]]) -> Array:
    """Pictures weighted by masks that sum to one."""
    (first_mask, first), *others = parts
    return first if not others else sum((mask * picture for mask, picture in others), first_mask * first)

"""The media there are: for each its rule, its own inks and paper, and how it takes the colours that words name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from diffstyle.engines.media import cuts, dots, facets, flats, grids, hatching, outlines, screens, threads
from diffstyle.engines.media.canvas import Draw
from diffstyle.engines.media.look import Look, rgb
from diffstyle.engines.media.photo import Photo, Rng

Rule: TypeAlias = Callable[[Photo, Look, Rng], Draw]
Colouring: TypeAlias = Literal["ink and paper", "inks", "photo"]


@dataclass(frozen=True, slots=True)
class Medium:
    """`rule` plans the medium on a photo. `colouring`: it has one ink on paper, several inks, or the photo's colours.

    `ground` says that a single colour named is that of the paper, as in a red blueprint.
    """

    rule: Rule
    look: Look
    colouring: Colouring
    ground: bool = False
    lies_over: bool = False
    """Whether it is a drawing that can lie over the colours of another medium."""
    glows: bool = False
    """Whether it gives light, so that what lies under it is darkened."""


def _inked(rule: Rule, ink: str = "#141214", paper: str = "#fafaf8", *, ground: bool = False) -> Medium:
    return Medium(rule, Look(rgb(ink), rgb(paper)), "ink and paper", ground, lies_over=True)


def _several(rule: Rule, ink: str, paper: str, *inks: str) -> Medium:
    return Medium(rule, Look(rgb(ink), rgb(paper), tuple(rgb(i) for i in inks)), "inks")


def _coloured(rule: Rule, ink: str = "#141214", paper: str = "#fafaf8") -> Medium:
    return Medium(rule, Look(rgb(ink), rgb(paper)), "photo")


MEDIA: dict[str, Medium] = {
    "halftone": _inked(screens.halftone),
    "colour halftone": _coloured(screens.colour_halftone),
    "newspaper": _inked(screens.newspaper, "#26221f", "#e9dfc6"),
    "line screen": _inked(screens.line_screen),
    "spiral": _inked(screens.spiral),
    "crt": _coloured(screens.crt),
    "stipple": _inked(dots.stipple),
    "pointillism": _coloured(dots.pointillism, "#141214", "#f2e8d0"),
    "low-poly": _coloured(facets.low_poly),
    "stained glass": _coloured(facets.stained_glass, "#17151a"),
    "mosaic": _coloured(facets.mosaic, "#141214", "#6e675c"),
    "hatching": _inked(hatching.hatching),
    "cross-hatching": _inked(hatching.cross_hatching),
    "engraving": _inked(hatching.engraving, "#1d1a18", "#f3ead6"),
    "etching": _inked(hatching.etching, "#2a211b", "#efe6d2"),
    "contour lines": _inked(hatching.contour_lines, "#3a2a1c", "#f2ead8"),
    "woodcut": _inked(cuts.woodcut, "#17140f", "#f2e9d4"),
    "linocut": _inked(cuts.linocut, "#14202b", "#f4efe4"),
    "paper cut": _several(cuts.paper_cut, "#12263a", "#f7ead2", "#12263a", "#1f5f78", "#e2725b", "#f2b36b", "#f7ead2"),
    "ink line drawing": _inked(outlines.ink_drawing),
    "pencil drawing": _inked(outlines.pencil, "#2f2f33", "#f7f5f0"),
    "crayon": _coloured(outlines.crayon, "#22202a", "#fbf8f0"),
    "chalk": _inked(outlines.chalk, "#f2f0e6", "#22302a"),
    "blueprint": _inked(outlines.blueprint, "#eef4fb", "#15407e", ground=True),
    "neon": replace(
        _several(outlines.neon, "#ff3fa4", "#08060f", "#ff2d95", "#7a3cff", "#19d3ff"), lies_over=True, glows=True
    ),
    "pixel art": _coloured(grids.pixel_art),
    "one-bit": _inked(grids.one_bit),
    "ascii": _inked(grids.characters, "#b9f5c4", "#0b120d"),
    "bricks": _coloured(grids.bricks),
    "cross-stitch": _coloured(grids.cross_stitch, "#141214", "#f3eee0"),
    "knitted": _coloured(grids.knitted),
    "embroidery": _coloured(threads.embroidery, "#141214", "#e6dcc6"),
    "screen print": _several(flats.screen_print, "#12294a", "#f7ead0", "#12294a", "#c8302c", "#6fa5b0", "#f7ead0"),
    "risograph": _several(flats.risograph, "#141214", "#f6f1e4", "#ff4c7b", "#1d5fb8", "#ffd83a"),
    "pop art": _several(flats.pop_art, "#121013", "#fdf8ea", "#1f3fb0", "#e8262a", "#ffd51f", "#ff9fb4", "#39b6e8"),
    "warhol": _coloured(flats.warhol),
    "comic": _coloured(flats.comic, "#131115", "#fdf8ec"),
    "cel shading": _coloured(flats.cel_shading, "#1c1622"),
    "glitch": _coloured(flats.glitch),
}
"""By the names of `data.words.lexicon.MEDIA`."""

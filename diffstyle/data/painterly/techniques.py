"""Which technique a medium, a painter or a movement is rendered in: a style of strokes, or a wash.

Sizes are in pixels of a picture whose longest side is `strokes.UNITS`. What is said of a painter is what one sees at
arm's length: how long, broad, straight and thick the strokes are, and whether shapes are outlined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from diffstyle.data.painterly.strokes import Array, StrokeStyle, render_strokes, resized

Rendering: TypeAlias = Callable[[Array, np.random.Generator, Array], Array]
"""(photo (h, w, 3) in [0, 1], generator, subject (h, w) in [0, 1]) -> picture (h, w, 3)."""
Technique: TypeAlias = StrokeStyle | Rendering

WASHES = ("watercolour", "wet-in-wet watercolour", "ink wash", "spray paint", "batik", "tapestry", "suprematist")
"""Media that `washes` renders. It is imported when one is asked for, since scipy takes a third of a second."""

_DABS = StrokeStyle(
    widths=(34, 19, 11, 6, 3.5), stretch=2.6, bristle=0.4, relief=0.35, jitter=0.08, saturation=1.3, swirl=30
)
_DOTS = StrokeStyle(widths=(15, 10, 7), stretch=1.25, bristle=0.1, relief=0.2, jitter=0.12, saturation=1.5, swirl=80)
_SWIRLS = StrokeStyle(
    widths=(40, 22, 13, 7, 4), stretch=5.5, bristle=0.55, relief=0.7, jitter=0.07, saturation=1.35, swirl=55
)
_WAVES = StrokeStyle(
    widths=(46, 26, 15, 8, 4.5), stretch=8, bristle=0.4, relief=0.15, jitter=0.05, saturation=1.25, swirl=45
)
_PATCHES = StrokeStyle(
    widths=(40, 24, 14, 8), stretch=2.2, angle=(55.0, 70.0, 40.0), bristle=0.35, relief=0.25, jitter=0.06, square=True
)
_FLATS = StrokeStyle(
    widths=(46, 24, 12, 6), stretch=3, bristle=0.15, relief=0.1, jitter=0.03, saturation=1.5, levels=7, outline=0.6
)
_POSTER = StrokeStyle(
    widths=(34, 16, 8, 4.5), stretch=3, bristle=0.08, jitter=0.015, saturation=1.2, levels=7, outline=0.85, swirl=10
)
_MASTERS = StrokeStyle(
    widths=(36, 18, 9, 5, 3.2), stretch=3.5, bristle=0.35, relief=0.3, jitter=0.03, ground=(0.3, 0.22, 0.15)
)
_FINE = StrokeStyle(widths=(22, 10, 5, 3), stretch=4, bristle=0.15, relief=0.06, jitter=0.015, ground=(0.5, 0.42, 0.3))
_BROAD = StrokeStyle(widths=(44, 24, 13, 7, 4), stretch=3.6, bristle=0.5, relief=0.45, jitter=0.05, swirl=35)
_CHALKY = StrokeStyle(
    widths=(30, 17, 9, 5), stretch=5, angle=(62.0, 74.0, 50.0), opacity=0.85, tooth=0.55, jitter=0.06, saturation=1.3
)
_LINES = StrokeStyle(
    widths=(30, 14, 7, 4), stretch=8, angle=(78.0, 66.0, 88.0), opacity=0.8, jitter=0.05, tooth=0.25, outline=0.5
)
_PANEL = StrokeStyle(
    widths=(24, 9, 4.5, 3), stretch=6, opacity=0.85, bristle=0.2, jitter=0.03, outline=0.5, ground=(0.8, 0.66, 0.4)
)

MEDIA: Mapping[str, StrokeStyle] = {
    "pointillism": _DOTS,
    "fresco": StrokeStyle(
        widths=(44, 22, 11, 6),
        stretch=2.6,
        opacity=0.8,
        bristle=0.15,
        tooth=0.35,
        jitter=0.05,
        saturation=0.95,
        ground=(0.86, 0.8, 0.7),
    ),
    "oil painting": StrokeStyle(
        widths=(44, 24, 13, 8, 4.5), bristle=0.45, relief=0.35, jitter=0.04, ground=(0.45, 0.36, 0.26)
    ),
    "impasto": StrokeStyle(widths=(52, 32, 19, 10), stretch=3, bristle=0.7, relief=1.0, jitter=0.07, saturation=1.4),
    "palette knife": StrokeStyle(
        widths=(84, 52, 30, 16), stretch=1.9, bristle=0.22, relief=0.7, jitter=0.06, saturation=1.35, square=True
    ),
    "acrylic": StrokeStyle(
        widths=(46, 24, 12, 6), stretch=4.5, bristle=0.28, relief=0.1, jitter=0.05, saturation=1.6, levels=9
    ),
    "gouache": StrokeStyle(
        widths=(50, 26, 13, 6),
        stretch=2.6,
        bristle=0.12,
        jitter=0.02,
        saturation=1.25,
        levels=6,
        ground=(0.9, 0.87, 0.8),
    ),
    "tempera": StrokeStyle(
        widths=(30, 7, 3.2),
        stretch=7,
        opacity=0.75,
        bristle=0.2,
        jitter=0.035,
        saturation=1.15,
        ground=(0.8, 0.66, 0.4),
    ),
    "encaustic": StrokeStyle(
        widths=(60, 34, 18, 9),
        stretch=2.2,
        opacity=0.62,
        bristle=0.5,
        relief=0.8,
        jitter=0.06,
        ground=(0.86, 0.72, 0.48),
    ),
    "pastel": StrokeStyle(
        widths=(34, 20, 11, 6),
        stretch=5,
        opacity=0.8,
        bristle=0.3,
        tooth=0.6,
        jitter=0.06,
        saturation=1.4,
        ground=(0.56, 0.5, 0.46),
    ),
    "oil pastel": StrokeStyle(
        widths=(36, 22, 13, 7),
        stretch=3.5,
        bristle=0.45,
        tooth=0.45,
        relief=0.4,
        jitter=0.08,
        saturation=1.45,
        levels=7,
        ground=(0.96, 0.95, 0.92),
    ),
    "chalk": StrokeStyle(
        widths=(26, 14, 8),
        stretch=6,
        angle=(35.0, 60.0),
        opacity=0.85,
        tooth=0.85,
        ground=(0.16, 0.18, 0.17),
        inks=((0.16, 0.18, 0.17), (0.55, 0.56, 0.53), (0.97, 0.96, 0.92)),
        density=0.8,
    ),
    "coloured pencil": StrokeStyle(
        widths=(4, 2.6, 2.2, 2.2),
        stretch=9,
        angle=(38.0, 52.0, 70.0, 30.0),
        opacity=0.7,
        tooth=0.55,
        jitter=0.07,
        saturation=1.6,
        ground=(0.98, 0.975, 0.96),
        hatched=True,
        outline=0.55,
    ),
    "graphite": StrokeStyle(
        widths=(4.5, 2.8, 2.4, 2.4),
        stretch=15,
        angle=(40.0, 48.0, 62.0),
        opacity=0.6,
        tooth=0.55,
        ground=(0.96, 0.955, 0.94),
        inks=((0.13, 0.13, 0.14), (0.3, 0.3, 0.31)),
        hatched=True,
        outline=0.55,
    ),
    "sanguine": StrokeStyle(
        widths=(6, 3.6, 2.8, 2.8),
        stretch=11,
        angle=(55.0, 40.0),
        opacity=0.7,
        tooth=0.6,
        ground=(0.94, 0.88, 0.76),
        inks=((0.36, 0.1, 0.06), (0.7, 0.3, 0.18)),
        hatched=True,
        outline=0.55,
    ),
    "charcoal": StrokeStyle(
        widths=(40, 20, 9, 5),
        stretch=5,
        opacity=0.85,
        tooth=0.5,
        ground=(0.91, 0.89, 0.84),
        inks=((0.05, 0.05, 0.055), (0.42, 0.41, 0.4), (0.91, 0.89, 0.84)),
    ),
    "conte crayon": StrokeStyle(
        widths=(26, 14, 7, 4),
        stretch=6,
        opacity=0.8,
        tooth=0.65,
        ground=(0.62, 0.54, 0.44),
        inks=((0.1, 0.08, 0.08), (0.62, 0.54, 0.44), (0.97, 0.95, 0.9)),
    ),
}

ARTISTS: Mapping[str, StrokeStyle] = {
    "Vincent van Gogh": _SWIRLS,
    "Edvard Munch": _WAVES,
    "Mikhail Vrubel": _PATCHES,
    "Paul Cézanne": _PATCHES,
    "Edgar Degas": _CHALKY,
    "Henri de Toulouse-Lautrec": _LINES,
    "Alphonse Mucha": _POSTER,
    "Nicholas Roerich": _FLATS,
    "Henri Rousseau": _FLATS,
    "Paul Gauguin": _FLATS,
    "Paul Sérusier": _FLATS,
    "Pierre Puvis de Chavannes": _FINE,
}
"""By the names of `diffstyle.data.words.artists`; others paint as their movement does."""

MOVEMENTS: Mapping[str, StrokeStyle] = {
    "Impressionism": _DABS,
    "Post-Impressionism": _SWIRLS,
    "Pointillism": _DOTS,
    "Expressionism": _WAVES,
    "Fauvism": _FLATS,
    "Symbolism": _FLATS,
    "Art Nouveau": _POSTER,
    "Cubism": _PATCHES,
    "Baroque": _MASTERS,
    "Rococo": _MASTERS,
    "Mannerism": _MASTERS,
    "Realism": _MASTERS,
    "Romanticism": _BROAD,
    "Early Renaissance": _PANEL,
    "High Renaissance": _FINE,
    "Northern Renaissance": _FINE,
    "Neoclassicism": _FINE,
    "Byzantine icon": _PANEL,
    "Naive art": _FLATS,
    "Golden Age illustration": _LINES,
    "Abstract art": _FLATS,
    "Pop Art": _POSTER,
}
"""By the names of the movements that words name."""


RENDERED_ARTISTS = ("Gustav Klimt",)
RENDERED_MOVEMENTS = ("Ukiyo-e",)
"""Those that `golden` and `prints` render."""


def technique_of(medium: str) -> Technique | None:
    """How a medium, by its name in `diffstyle.data.words.lexicon`, is rendered; None where that is not known here."""
    if medium not in WASHES:
        return MEDIA.get(medium)
    from diffstyle.data.painterly.washes import RENDERINGS

    return RENDERINGS[medium]


def technique_of_artist(name: str) -> Technique | None:
    """How a painter is rendered; None where it is as the movement."""
    if name in RENDERED_ARTISTS:
        from diffstyle.data.painterly.golden import golden

        return golden
    return ARTISTS.get(name)


def technique_of_movement(name: str) -> Technique | None:
    """How a movement is rendered; None where that is not known here."""
    if name in RENDERED_MOVEMENTS:
        from diffstyle.data.painterly.prints import ukiyo_e

        return ukiyo_e
    return MOVEMENTS.get(name)


def render(
    photo: Array,
    technique: Technique,
    rng: np.random.Generator,
    on_layer: Callable[[], None],
    subject: Array | None = None,
) -> Array:
    """The photo (h, w, 3) in [0, 1] in a technique. `on_layer` is called before each layer, and may raise to cancel.

    `subject` (h, w) is 1 on what has to stay readable, 0 elsewhere; a rendering takes the whole photo for it if None.
    """
    if isinstance(technique, StrokeStyle):
        return render_strokes(photo, rng, technique, on_layer, subject)
    from diffstyle.data.painterly.washes import UNITS

    on_layer()
    h, w = (int(n) for n in photo.shape[:2])
    small = resized(photo, UNITS / max(h, w))
    inside = np.ones((h, w), np.float32) if subject is None else subject
    inside = resized(inside, size=(int(small.shape[0]), int(small.shape[1])))
    return resized(technique(small, rng, inside).clip(0, 1).astype(np.float32), size=(h, w))

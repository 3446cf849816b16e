"""What the slider `structure` means, in numbers."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

RELIEF = 0.3  # weight of local contrast in the matches of a style of lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How the photo and the style share in a painting.

    `content`: the photo's share in the features that are matched after the first level; the rest are the picture's so
    far. `light`, `hue`, `relief`: as in MatchWeights. `flat_smoothing`: how far neighbouring targets are averaged where
    the photo is flat. `deep`, `fine`: how far targets are pulled back to the photo's own features. `restore_light`,
    `restore_hue`: how much of the goal's is restored in what was painted.
    """

    content: float
    light: float
    hue: float
    relief: float = 0.0
    flat_smoothing: float
    deep: float
    fine: float
    restore_light: float
    restore_hue: float

    @classmethod
    def of(cls, structure: float, *, tonality: float, colourfulness: float) -> Weights:
        """Between STYLE, LINES or TONES, and PHOTO, at 0, 0.5 and 1.

        Tones count for less in styles of lines (`tonality`), hues in photos that have few for a style that has many
        (`colourfulness`), both in [0, 1].
        """
        middle = LINES.towards(TONES, tonality)
        a, b, share = (STYLE, middle, 2 * structure) if structure < 0.5 else (middle, PHOTO, 2 * structure - 1)
        between = a.towards(b, share)
        lines = mix(0.5, 1.0, tonality)
        return replace(
            between,
            light=between.light * lines,
            hue=between.hue * lines * colourfulness,
            relief=RELIEF * (1 - tonality),
            restore_light=between.restore_light * tonality,
            restore_hue=between.restore_hue * colourfulness,
        )

    def towards(self, other: Weights, share: float) -> Weights:
        """These moved towards `other` by `share`."""
        names = [f.name for f in fields(self)]
        return Weights(**{name: mix(getattr(self, name), getattr(other, name), share) for name in names})


def mix(a: float, b: float, share: float) -> float:
    return a + (b - a) * share


STYLE = Weights(
    content=0.3,
    light=0.2,
    hue=0.1,
    flat_smoothing=0.3,
    deep=0.0,
    fine=0.0,
    restore_light=0.1,
    restore_hue=0.1,
)
LINES = Weights(
    content=0.45,
    light=0.5,
    hue=0.3,
    flat_smoothing=0.4,
    deep=0.0,
    fine=0.0,
    restore_light=0.35,
    restore_hue=0.35,
)
PHOTO = Weights(
    content=0.95,
    light=3.0,
    hue=3.0,
    flat_smoothing=1.0,
    deep=0.5,
    fine=0.5,
    restore_light=0.9,
    restore_hue=0.6,
)
TONES = LINES.towards(PHOTO, 0.3)  # faces and contours hold; strokes that end within tones need less freedom than lines

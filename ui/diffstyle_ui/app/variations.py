"""Four variations of a render. A seed alone hardly shows in a painter's style: strokes, shapes and colours vary too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from diffstyle import Settings
from diffstyle.core.fields import fields_of
from diffstyle_ui.widgets.settings_form import AUTO, RenderSettings, honours

FINER, BROADER = 0.7, 1.35  # factors of the strokes
CLOSER, FREER = 0.2, -0.35  # added to the structure


@dataclass(frozen=True, slots=True)
class Variation:
    """What is said of it, and how it is rendered."""

    label: str
    settings: RenderSettings


def variations(asked: RenderSettings) -> list[Variation]:
    """What was asked for, finer, bolder, and in other colours; each has its own seed, from the one asked for on."""
    seed = asked.settings.seed
    changes = _changes(asked)
    return [
        Variation(label, replace(asked, settings=replace(change(asked.settings), seed=seed + n)))
        for n, (label, change) in enumerate(changes)
    ]


def _changes(asked: RenderSettings) -> list[tuple[str, Callable[[Settings], Settings]]]:
    shaped = honours(asked.engine.name if asked.engine else AUTO, "structure")

    def marks(factor: float, more: float) -> Callable[[Settings], Settings]:
        def changed(settings: Settings) -> Settings:
            structure = _within("structure", settings.structure + more) if shaped else settings.structure
            return replace(settings, stroke=_within("stroke", (settings.stroke or 1) * factor), structure=structure)

        return changed

    keeps = asked.settings.colour == "keep"
    return [
        ("As set", lambda settings: settings),
        ("Finer strokes, closer to the photo" if shaped else "Finer strokes", marks(FINER, CLOSER)),
        ("Broader strokes, freer shapes" if shaped else "Broader strokes", marks(BROADER, FREER)),
        (
            "In the style's colours" if keeps else "In the photo's colours",
            lambda settings: replace(settings, colour="off" if keeps else "keep"),
        ),
    ]


def _within(name: str, value: float) -> float:
    """`value`, at most as far as the setting `name` goes, to two digits."""
    low, high = next(info.bounds for info in fields_of(Settings) if info.name == name) or (value, value)
    return round(min(high, max(low, value)), 2)

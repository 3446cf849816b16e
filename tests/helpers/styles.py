"""Styles that an engine can paint."""

from __future__ import annotations

from functools import cache

from diffstyle import Style
from diffstyle.assets.students import SHIPPED, student_file
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.feedforward.student import read_student
from diffstyle.engines.registry import engine_settings

WORDS = "coarse halftone, navy blue on cream"
OTHER_WORDS = "stipple drawing, white on maroon"


def suited(engine: EngineSettings | str, style: Style, words: str = WORDS) -> Style:
    """`style`; or for an engine that needs words, the style that `words` describe; or for one that paints only its own
    styles, one of them: the first for WORDS, else another.
    """
    can = engine_settings(engine).capabilities
    if can.own_styles:
        first, second, *_ = shipped_styles()
        return Style.from_text(first if words == WORDS else second)
    return Style.from_text(words) if can.needs_words else style


def suited_specs(engine: str, *specs: str) -> list[str]:
    """`specs`, as people type styles; or for an engine that paints only its own styles, those with the same weights."""
    if not engine_settings(engine).capabilities.own_styles:
        return list(specs)
    weights = [spec.partition(":")[1:] for spec in specs]
    return [own + "".join(weight) for own, weight in zip(shipped_styles(), weights, strict=False)]


@cache
def shipped_styles() -> tuple[str, ...]:
    """What the student paints that ships."""
    return tuple(style.name for style in read_student(student_file(SHIPPED)).styles)

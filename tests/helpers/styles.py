"""Styles that an engine can paint."""

from __future__ import annotations

from diffstyle import Style
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.registry import engine_settings

WORDS = "coarse halftone, navy blue on cream"
OTHER_WORDS = "stipple drawing, white on maroon"


def suited(engine: EngineSettings | str, style: Style, words: str = WORDS) -> Style:
    """`style`; or for an engine that needs words, the style that `words` describe."""
    return Style.from_text(words) if engine_settings(engine).capabilities.needs_words else style

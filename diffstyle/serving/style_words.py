"""Styles as clients write them: words or the name of a style, with an optional weight. Never a path."""

from __future__ import annotations

import re

from diffstyle.assets.zoo import named_style, style_files
from diffstyle.core.style import Style

_WEIGHTED = re.compile(r"(?P<words>.+?)\s*:\s*(?P<weight>\d+\.?\d*|\.\d+)", re.S)


def split_weight(text: str) -> tuple[str, float]:
    """The words of a style, and the weight that stands behind a colon, 1 if there is none."""
    match = _WEIGHTED.fullmatch(text)
    return (match["words"], float(match["weight"])) if match else (text, 1.0)


def style_of(words: str) -> Style:
    """The style of that name, or else what the words describe. Paths are words: clients cannot make the server read a
    file. Raises InputError for an empty text, and for one that is too long.
    """
    return named_style(words) if words in style_files() else Style.from_text(words)


def weighted_style(text: str) -> tuple[Style, float]:
    """A style with the weight that stands behind a colon."""
    words, weight = split_weight(text)
    return style_of(words), weight

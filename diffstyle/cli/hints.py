"""What the command line says beside its results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diffstyle.cli.progress import say

if TYPE_CHECKING:
    from diffstyle.core.style import Style


def hint_of(style: Style) -> str | None:
    """A sentence that names the nearest styles, if the words of `style` are hardly known."""
    from diffstyle.encoders.space import UNSURE, StyleSpace

    return StyleSpace.presets().hint(style) if style.confidence < UNSURE else None


def say_if_unknown(style: Style) -> None:
    """A line on standard error if the words of `style` are hardly known."""
    if hint := hint_of(style):
        say(hint)

"""What the command line says beside its results."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diffstyle.core.style import Style


def say_if_unknown(style: Style) -> None:
    """A line on standard error if the words of `style` are hardly known."""
    from diffstyle.encoders.space import UNSURE, StyleSpace

    if style.confidence < UNSURE and (hint := StyleSpace.presets().hint(style)):
        print(f"diffstyle: {hint}", file=sys.stderr)

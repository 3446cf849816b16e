"""Every kind of file that holds a style. Importing this module gives `Style.load` and `Style.save` their formats."""

from __future__ import annotations

from pathlib import Path

from diffstyle.core.style import Style, register_files
from diffstyle.formats import ipadpt, style_file

__all__ = ["SUFFIXES", "Style", "load"]

SUFFIXES = (style_file.SUFFIX, ipadpt.SUFFIX)

register_files("", style_file)
register_files(ipadpt.SUFFIX, ipadpt)


def load(path: Path, *, space: str | None = None) -> Style:
    """The style in `path`, whichever kind of file it is; InputError if it is none."""
    return Style.load(path, space=space)

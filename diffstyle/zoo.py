"""Named styles that come with diffstyle, found by name."""

from __future__ import annotations

import difflib
from pathlib import Path

from diffstyle.errors import InputError
from diffstyle.style import Style
from diffstyle.style_file import SUFFIX
from diffstyle.weights import weights_folder


def style_files() -> dict[str, Path]:
    """The file of each named style, in alphabetical order."""
    folder = weights_folder() / "starter" / "styles"
    return {p.name.removesuffix(SUFFIX): p for p in sorted(folder.glob(f"*{SUFFIX}"))}


def example_photo() -> Path:
    """The photo of the thumbnails."""
    return weights_folder() / "starter" / "styles" / "content.jpg"


def named_style(name: str) -> Style:
    """The style called `name`; InputError names the nearest ones if there is none."""
    files = style_files()
    if name not in files:
        near = difflib.get_close_matches(name, files, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "`diffstyle style list` names them."
        raise InputError(f"There is no style called {name!r}: {hint}")
    return Style.load(files[name])

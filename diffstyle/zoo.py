"""Named styles and style adapters that come with diffstyle, found by name."""

from __future__ import annotations

import difflib
from pathlib import Path

from diffstyle.errors import InputError
from diffstyle.files import sha256
from diffstyle.style import Style
from diffstyle.style_file import SUFFIX
from diffstyle.weights import data_folder, read_toml, weights_folder


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


def adapter_folders() -> dict[str, Path]:
    """The folder of each style adapter, in alphabetical order: one that holds adapter.toml."""
    return {p.parent.name: p.parent for p in sorted(data_folder("adapters").glob("*/adapter.toml"))}


def adapter_file(name: str) -> Path:
    """The weights of the adapter called `name`; InputError if they are not what its adapter.toml says."""
    folder = adapter_folders()[name]
    path = folder / "adapter.safetensors"
    if not path.is_file() or sha256(path) != read_toml(folder / "adapter.toml").get("sha256"):
        raise InputError(f"The adapter {path} is missing or damaged: install diffstyle again.")
    return path

"""The scripts and style sheets that lie beside the widgets."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def beside(*names: str) -> str:
    """The text of files in this folder, one after the other."""
    return "".join((_FOLDER / name).read_text("utf-8") for name in names)

"""What the wall shows before the visitor's photo is painted: the first example in every style, and its artwork.

`python examples/page_pictures.py` makes the files.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from diffstyle_ui.app.example_pairs import FOLDER
from diffstyle_ui.widgets.html import encoded_url

STILLS, ARTWORKS = FOLDER / "stills", FOLDER / "artworks"


def file_of(folder: Path, key: str) -> Path:
    """Where `folder` has the picture of the tile called `key`."""
    plain = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode().lower()
    return folder / f"{re.sub('[^a-z0-9]+', '-', plain)}.webp"


def url_of(folder: Path, key: str) -> str:
    """That picture as a data URL; "" if there is none."""
    path = file_of(folder, key)
    return encoded_url(path.read_bytes(), "webp") if path.is_file() else ""

"""A visitor's photo, small, in many styles: painted by the interactive engine when it is in view, and kept."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from diffstyle import Picture, Style, Task
from diffstyle.core.picture import fitted
from diffstyle_ui.app.renderer import Renderer
from diffstyle_ui.widgets.html import data_url

SIDE = 144
MAX_KEPT = 160


class Thumbnails:
    """Data URLs by photo, style and size; the oldest beyond `MAX_KEPT` go."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, str, int], str] = OrderedDict()
        self._lock = Lock()

    def painted(self, renderer: Renderer, picture: Picture, style: Style, *, path: Path, name: str, side: int) -> str:
        """`picture`, the photo at `path`, in `style`, which `name` tells from others; no side is longer than `side`."""
        key = (path, name, side)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        small = picture.resized(fitted(picture.size, side))
        url = data_url(renderer.preview(Task(small, style)).picture)
        with self._lock:
            self._kept[key] = url
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return url


def photo_name(path: Path) -> str:
    """A short name of the photo at `path`, which differs for other photos and says nothing of the file."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]

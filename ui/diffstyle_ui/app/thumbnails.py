"""A visitor's photo, small, in many styles: painted when it is in view, and kept."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from diffstyle import Picture
from diffstyle_ui.widgets.html import data_url

SIDE = 144
MAX_KEPT = 240  # the wall has 170


class Thumbnails:
    """Data URLs by photo, style and size; the oldest beyond `MAX_KEPT` go."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, str, int], str] = OrderedDict()
        self._lock = Lock()

    def painted(self, path: Path, name: str, side: int, paint: Callable[[], Picture | None]) -> str | None:
        """What `paint` makes of the photo at `path` in the style called `name`, at most `side` pixels a side; None if
        that makes nothing now.
        """
        key = (path, name, side)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        picture = paint()
        if picture is None:
            return None
        url = data_url(picture)
        with self._lock:
            self._kept[key] = url
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return url


def photo_name(path: Path) -> str:
    """A short name of the photo at `path`, which differs for other photos and says nothing of the file."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]

"""A journal of finished pictures, by which a run over a folder that was done before sees so without opening a file."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import cache_folder
from diffstyle.formats.places import stamp

Stamp = tuple[str, int, int]  # path, time of change in nanoseconds, size
Stamps = tuple[Stamp, Stamp]  # of a photo, and of what was painted from it


class Finished:
    """Which photos were painted to which files by one request, as long as none of both has changed since.

    The journal lies in the cache folder, a file for each request, and can be deleted at any time: pictures that are not
    in it are compared by their recipes.
    """

    def __init__(self, request: object) -> None:
        """`request` is all that decides about a picture but its photo, as JSON values."""
        key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        self._file = cache_folder() / "finished" / f"{key[:32]}.jsonl"
        self._known: set[Stamps] = set()
        with contextlib.suppress(OSError, ValueError):
            for line in self._file.read_text("utf-8").splitlines():
                content, target = json.loads(line)
                self._known.add((_stamp_of(content), _stamp_of(target)))

    def __contains__(self, pair: tuple[Path, Path]) -> bool:
        """Whether the second of `pair` was painted from the first."""
        return self.has(_stamps(pair))

    def add(self, content: Path, target: Path) -> None:
        """Note that `target` was painted from `content`; a cache that cannot be written is no fault."""
        self.note(_stamps((content, target)))

    def has(self, stamps: Stamps | None) -> bool:
        """Whether a file with the second of `stamps` was painted from one with the first."""
        return stamps is not None and stamps in self._known

    def note(self, stamps: Stamps | None) -> None:
        """Note the stamps of a photo and of what was painted from it; None, of files that are gone, is no fault."""
        if stamps is None or stamps in self._known:
            return
        self._known.add(stamps)
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(stamps) + "\n")


def _stamps(pair: tuple[Path, Path]) -> Stamps | None:
    try:
        return stamp(str(pair[0])), stamp(str(pair[1]))
    except (OSError, InputError):
        return None


def _stamp_of(values: list[object]) -> Stamp:
    path, changed, size = values
    return str(path), int(str(changed)), int(str(size))

"""A journal of finished pictures, by which a run over a folder that was done before sees so without opening a file."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

from diffstyle.formats.atomic import cache_folder

Stamp = tuple[str, int, int]  # path, time of change in nanoseconds, size


class Finished:
    """Which photos were painted to which files by one request, as long as none of both has changed since.

    The journal lies in the cache folder, a file for each request, and can be deleted at any time: pictures that are not
    in it are compared by their recipes.
    """

    def __init__(self, request: object) -> None:
        """`request` is all that decides about a picture but its photo, as JSON values."""
        key = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        self._file = cache_folder() / "finished" / f"{key[:32]}.jsonl"
        self._known: set[tuple[Stamp, Stamp]] = set()
        with contextlib.suppress(OSError, ValueError):
            for line in self._file.read_text("utf-8").splitlines():
                content, target = json.loads(line)
                self._known.add((_stamp_of(content), _stamp_of(target)))

    def __contains__(self, pair: tuple[Path, Path]) -> bool:
        """Whether the second of `pair` was painted from the first."""
        stamps = _stamps(pair)
        return stamps is not None and stamps in self._known

    def add(self, content: Path, target: Path) -> None:
        """Note that `target` was painted from `content`; a cache that cannot be written is no fault."""
        stamps = _stamps((content, target))
        if stamps is None or stamps in self._known:
            return
        self._known.add(stamps)
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(stamps) + "\n")


def _stamps(pair: tuple[Path, Path]) -> tuple[Stamp, Stamp] | None:
    try:
        return _stamp(pair[0]), _stamp(pair[1])
    except OSError:
        return None


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return str(path.absolute()), found.st_mtime_ns, found.st_size


def _stamp_of(values: list[object]) -> Stamp:
    path, changed, size = values
    return str(path), int(str(changed)), int(str(size))

"""Uploaded files: whose they are, and how much of the disk they take."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from diffstyle import InputError
from diffstyle.serving.uploaded_files import Refused
from diffstyle_ui.app.limits import Limits

EXPIRED = "The upload has expired, because uploads are deleted after a few hours: add the file again."
MAX_NOTED = 20_000
_ALL, _AT = "all", "at "  # names beside those of owners


class Uploads:
    """Who uploaded which file, and how much of the disk all of them take. Gradio keeps the uploads of all visitors in
    one folder, under names of their content, and deletes them after a few hours.
    """

    def __init__(self, root: Path, limits: Limits | None = None) -> None:
        """`root` is the folder that all uploads lie in."""
        self.root, self.limits = root.resolve(), limits or Limits()
        self._owners: OrderedDict[Path, set[str]] = OrderedDict()
        self._sizes: dict[Path, int] = {}
        self._taken: Counter[str] = Counter()  # bytes by owner, and of all
        self._lock = Lock()

    def add(self, owner: str, path: Path, *, address: str = "") -> None:
        """Note that `owner`, at `address`, uploaded `path`; the oldest notes beyond `MAX_NOTED` are dropped."""
        with self._lock:
            path = path.resolve()
            size = path.stat().st_size if path.is_file() else 0
            owners = self._owners.setdefault(path, set())
            new = {owner, f"{_AT}{address}", _ALL} - owners
            owners |= new
            self._sizes[path] = size
            self._taken.update(dict.fromkeys(new, size))
            while len(self._owners) > MAX_NOTED:
                self._drop(next(iter(self._owners)))

    def owns(self, owner: str, path: Path) -> bool:
        """Whether `path`, links followed, is a file that `owner` uploaded."""
        return path.is_relative_to(self.root) and owner in self._owners.get(path, ())

    def take(self, owner: str, address: str, size: int) -> None:
        """Count `size` more bytes of an upload, which `give_back` ends. Raises Refused beyond the limits."""
        with self._lock:
            if self._excess(owner, address, size):
                for path in [p for p in self._owners if not p.exists()]:  # Gradio deletes what is old
                    self._drop(path)
            if sentence := self._excess(owner, address, size):
                raise Refused(413, sentence)
            self._taken.update(dict.fromkeys((owner, f"{_AT}{address}", _ALL), size))

    def give_back(self, owner: str, address: str, size: int) -> None:
        """Count `size` bytes of an upload no longer: it is complete and noted, or it broke off."""
        with self._lock:
            self._taken.subtract(dict.fromkeys((owner, f"{_AT}{address}", _ALL), size))
            self._taken += Counter()  # drops the zeros

    def _excess(self, owner: str, address: str, size: int) -> str:
        """What to say of `size` more bytes; "" if there is room for them."""
        most, of_all = self.limits.max_visitor_mb, self.limits.max_total_mb
        if self._taken[owner] + size > most * 2**20:
            return f"Your uploads take all of the {most} MB that this server has for a visitor: try again later."
        here = 2 * (self._taken[f"{_AT}{address}"] + size)  # an address may take half of it
        if max(here, self._taken[_ALL] + size) > of_all * 2**20:
            return "This server has no room for more uploads now: try again later."
        return ""

    def _drop(self, path: Path) -> None:
        size = self._sizes.pop(path, 0)
        self._taken.subtract(dict.fromkeys(self._owners.pop(path), size))
        self._taken += Counter()


class Reader(Protocol):
    """Who reads files: a session."""

    def may_read(self, path: Path) -> bool:
        """Whether `path`, links followed, is an upload or a result of its own."""
        ...


def upload_path(session: Reader, payload: Mapping[str, Any] | None, what: str = "a photo") -> Path:
    """The file of an upload of this session, or a result of it; links are followed.

    Clients may send any path, so it is checked here, whatever Gradio has checked. Raises InputError if there is none,
    asking for `what`, if it is deleted, and, in the same words, if it is not this session's.
    """
    given = payload.get("path") if isinstance(payload, Mapping) else None  # pyright: ignore - clients send anything
    if not given or not isinstance(given, str):
        raise InputError(f"There is no picture yet: add {what} first.")
    try:
        path = Path(given).resolve()
        found = session.may_read(path) and path.is_file()
    except (OSError, ValueError, RuntimeError):  # no name of a file, or a circle of links
        found = False
        path = Path()
    if not found:
        raise InputError(EXPIRED)
    return path

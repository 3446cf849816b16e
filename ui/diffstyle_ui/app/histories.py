"""The results of visitors. They outlive their pages, so that a reload finds them again, until they are too old."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from diffstyle_ui.app.limits import Limits
from diffstyle_ui.widgets.settings_form import EVERYTHING

KEEP_SECONDS = 48 * 3600
SWEEP_SECONDS = 300
MAX_RESULTS = 60
MAX_KEPT, MAX_KEPT_PER_ADDRESS, MAX_KEPT_PER_VISITOR = 500, 60, 4


@dataclass(frozen=True, slots=True)
class SavedResult:
    """A result: its PNG, or its clip if it is `moving`, with the recipe inside, a thumbnail as a data URL, and a label
    that says how it was made.

    `number` counts the results of its history from 1, and `size` is that of the file in bytes. `only` is
    the part of the photo that was painted, in the terms of the settings form. `photo` is the file of the photo, if it
    is kept, and `content` the digest of its picture; of a clip, `photo` is a small copy of the original. `made` is in
    seconds since the epoch.
    """

    file: Path
    thumbnail: str
    label: str
    number: int = 0
    size: int = 0
    only: str = EVERYTHING
    photo: Path | None = None
    content: str = ""
    made: float = field(default_factory=time.time)
    moving: bool = False


@dataclass(slots=True, eq=False)
class History:
    """The results of `owner`, at `address`; their files lie in `folder`.

    `pages` open pages show it. `kept` is whether a browser knows its `key`, and so may ask for it after a reload.
    """

    folder: Path
    owner: str
    address: str = ""
    key: str = ""
    results: tuple[SavedResult, ...] = ()
    count: int = 0
    pages: int = 0
    kept: bool = False
    last_used: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        photos = {r.photo for r in self.results if r.photo is not None and self._keeps(r.photo)}
        return sum(result.size for result in self.results) + sum(p.stat().st_size for p in photos if p.is_file())

    def next_file(self, stem: str, suffix: str = ".png") -> Path:
        """The path of a new result, in a folder that exists."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.count += 1
        return self.folder / f"{stem}-{self.count}{suffix}"

    def keep_photo(self, file: Path) -> Path | None:
        """A copy of an uploaded photo, which stays as long as a result that was painted from it; None if the upload is
        deleted already.
        """
        if self._keeps(file) or not file.is_file():
            return file if file.is_file() else None
        folder = self.folder / hashlib.sha256(str(file).encode()).hexdigest()[:16]  # the photo keeps its own name
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / file.name
        if not kept.exists():
            try:
                os.link(file, kept)
            except OSError:  # another disk
                shutil.copyfile(file, kept)
        return kept

    def drop_oldest(self) -> None:
        """Delete the oldest result, and its photo unless another result was painted from it."""
        oldest, *rest = self.results
        oldest.file.unlink(missing_ok=True)
        if oldest.photo is not None and self._keeps(oldest.photo) and all(r.photo != oldest.photo for r in rest):
            oldest.photo.unlink(missing_ok=True)
        self.results = tuple(rest)

    def _keeps(self, file: Path) -> bool:
        return file.is_relative_to(self.folder)

    def clear(self) -> None:
        """Delete all results."""
        self.results = ()
        shutil.rmtree(self.folder, ignore_errors=True)


class Histories:
    """All histories; their folders lie below `folder`, under names that nobody can guess.

    A history without a page stays for `KEEP_SECONDS` after its last use, for the visitor alone whose it is, and only if
    a browser knows its key. The oldest beyond `MAX_KEPT_PER_VISITOR`, and those of addresses and of all visitors beyond
    their numbers, go earlier. Results take as much of the disk as uploads may, once more.
    """

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self._all: dict[str, History] = {}
        self._lock = Lock()

    def open(self, owner: str, address: str) -> History:
        """A new history for a page, or for a program."""
        key = secrets.token_urlsafe(24)
        history = History(self.folder / secrets.token_hex(16), owner, address, key, pages=1)
        with self._lock:
            self._all[key] = history
        return history

    def resume(self, key: object, owner: str) -> History | None:
        """The history with this key, for one more page; None if it is gone, or another visitor's."""
        with self._lock:
            found = self._all.get(key) if isinstance(key, str) else None
            if found is None or found.owner != owner or not found.kept:
                return None
            found.pages += 1
            found.last_used = time.monotonic()
            return found

    def leave(self, history: History) -> None:
        """A page that showed `history` is closed."""
        with self._lock:
            history.pages -= 1
            if history.pages <= 0 and not (history.kept and history.results):
                self._remove(history)
            self._trim(history)

    def add(self, history: History, result: SavedResult) -> None:
        """Add `result`, and delete the oldest ones beyond `MAX_RESULTS` and beyond the bytes of the limits.

        What is deleted is the visitor's own, then of the same address, then of the address that has most.
        """
        with self._lock:
            if history.key not in self._all:  # its page was closed meanwhile
                history.clear()
                return
            history.results = (*history.results, result)
            while len(history.results) > MAX_RESULTS:
                history.drop_oldest()
            most, of_all = self.limits.max_visitor_mb * 2**20, self.limits.max_total_mb * 2**20
            self._shrink([h for h in self._all.values() if h.owner == history.owner], most, spare=history)
            self._shrink([h for h in self._all.values() if h.address == history.address], of_all // 2, spare=history)
            while sum(h.size for h in self._all.values()) > of_all:
                crowd = self._largest(self._all.values(), size=True)
                if not self._drop_one(crowd, spare=history):
                    break

    def discard(self, history: History, file: Path) -> None:
        """Delete the file of a render that was cancelled while it was saved."""
        with self._lock:
            file.unlink(missing_ok=True)
            if history.key not in self._all:
                history.clear()

    def owns(self, owner: str, path: Path) -> bool:
        """Whether `path`, links followed, is a file of a history of `owner`."""
        with self._lock:
            return any(path.is_relative_to(h.folder.resolve()) for h in self._all.values() if h.owner == owner)

    def sweep(self, now: float | None = None) -> None:
        """Delete the results that are too old `now`, which is the present if not given."""
        now = time.monotonic() if now is None else now
        with self._lock:
            for history in [h for h in self._all.values() if now - h.last_used > KEEP_SECONDS]:
                history.clear()
                if history.pages <= 0:
                    self._remove(history)

    def __len__(self) -> int:
        return len(self._all)

    def _remove(self, history: History) -> None:
        self._all.pop(history.key, None)
        history.clear()

    def _trim(self, history: History) -> None:
        """Delete what is too much of the histories without a page."""
        left = [h for h in self._all.values() if h.pages <= 0]
        own = [h for h in left if h.owner == history.owner]
        near = [h for h in left if h.address == history.address]
        for group, most in ((own, MAX_KEPT_PER_VISITOR), (near, MAX_KEPT_PER_ADDRESS)):
            for old in sorted(group, key=_last_used)[: max(0, len(group) - most)]:
                self._remove(old)
        left = [h for h in left if h.key in self._all]
        while len(left) > MAX_KEPT:
            oldest = min(self._largest(left, size=False), key=_last_used)
            self._remove(oldest)
            left.remove(oldest)

    def _largest(self, histories: Iterable[History], *, size: bool) -> list[History]:
        """Those of the address that has most of them, by number or by `size`."""
        found, counts = list(histories), Counter[str]()
        for history in found:
            counts[history.address] += history.size if size else 1
        (address, _), *_ = counts.most_common(1)
        return [h for h in found if h.address == address]

    def _shrink(self, group: list[History], most: int, *, spare: History) -> None:
        while sum(h.size for h in group) > most and self._drop_one(group, spare=spare):
            pass

    def _drop_one(self, group: list[History], *, spare: History) -> bool:
        """Delete the oldest result of the history in `group` that was used longest ago, those without a page first.
        False if there is none but the newest of `spare`.
        """
        able = [h for h in group if len(h.results) > (h is spare)]
        if not able:
            return False
        oldest = min(able, key=lambda h: (h.pages > 0, h is spare, h.last_used))
        oldest.drop_oldest()
        if oldest.pages <= 0 and not oldest.results:
            self._remove(oldest)
        return True


def _last_used(history: History) -> float:
    return history.last_used

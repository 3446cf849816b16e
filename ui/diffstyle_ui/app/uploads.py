"""Uploaded files: whose they are, and as pictures, with limits that are checked before a file is decoded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from diffstyle import InputError, Picture, read_recipe
from diffstyle.engines.replay import upgraded
from diffstyle.formats.recipe import Recipe
from diffstyle_ui.app.limits import Limits

EXPIRED = "The upload has expired, because uploads are deleted after a few hours: add the file again."
MAX_NOTED = 20_000


class Uploads:
    """Who uploaded which file. Gradio keeps the uploads of all visitors in one folder, under names of their content."""

    def __init__(self, root: Path) -> None:
        """`root` is the folder that all uploads lie in."""
        self.root = root.resolve()
        self._owners: OrderedDict[Path, set[str]] = OrderedDict()
        self._lock = Lock()

    def add(self, owner: str, path: Path) -> None:
        """Note that `owner` uploaded `path`; the oldest notes beyond `MAX_NOTED` are dropped."""
        with self._lock:
            self._owners.setdefault(path.resolve(), set()).add(owner)
            while len(self._owners) > MAX_NOTED:
                self._owners.popitem(last=False)

    def owns(self, owner: str, path: Path) -> bool:
        """Whether `path`, links followed, is a file that `owner` uploaded."""
        return path.is_relative_to(self.root) and owner in self._owners.get(path, ())


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


def open_picture(path: Path, limits: Limits) -> Picture:
    """The picture in `path`. Its source, which messages and recipes contain, is the file's name without folders.

    Raises InputError for more than `limits.max_pixels`, and for what `Picture.open` refuses.
    """
    try:
        picture = Picture.open(path, max_pixels=limits.max_pixels)
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
    notes = tuple(note.replace(str(path), path.name) for note in picture.notes)
    return Picture(picture.pixels, picture.alpha, path.name, notes)


def open_recipe(path: Path, limits: Limits) -> Recipe:
    """The recipe inside a saved picture, in the current schema. Messages contain the file's name without folders."""
    try:
        return upgraded(read_recipe(path, limits.recipes))
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error

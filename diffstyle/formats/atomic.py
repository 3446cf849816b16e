"""Atomic writes, checks of output paths, digests of files, and the cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from diffstyle.core.errors import InputError, explain
from diffstyle.core.user_path import check_regular

CACHE_VARIABLE = "DIFFSTYLE_CACHE"
_BLOCK, _BLOCKS = 1 << 16, 64


def write_atomic(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file atomically: `write` fills a temporary file beside `path`, which then replaces it.

    The permissions of an existing file are kept. InputError if the file cannot be written.
    """
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".partial", dir=path.parent)
    except OSError as error:
        raise explain(error, f"write {path}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError as error:
        raise explain(error, f"write {path}") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that a command reads, which it must not write to: found again under other names and through links."""

    paths: tuple[Path, ...]
    _found: frozenset[tuple[int, int]]
    _names: frozenset[Path]

    @classmethod
    def of(cls, paths: Iterable[Path], *, missing: bool = False) -> Inputs:
        """The inputs among `paths`; with `missing` also files that are not there yet, by their resolved names."""
        kept = tuple(paths)
        found = frozenset(i for i in map(_identity, kept) if i is not None)
        return cls(kept, found, frozenset(_resolved(p) for p in kept) if missing else frozenset())

    def __contains__(self, path: Path) -> bool:
        return _identity(path) in self._found or (bool(self._names) and _resolved(path) in self._names)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def _resolved(path: Path) -> Path:
    return path.parent.resolve() / path.name


def check_apart(path: Path, inputs: Inputs) -> None:
    """InputError if `path` is one of `inputs`."""
    if path in inputs:
        raise InputError(f"Cannot write {path}: this command reads or writes that file too, choose another name.")


def check_writable(path: Path, inputs: Iterable[Path] | Inputs = ()) -> None:
    """InputError if `path` cannot be written, or is one of `inputs`; to be called before any work is done."""
    check_apart(path, inputs if isinstance(inputs, Inputs) else Inputs.of(inputs))
    if path.is_dir():
        raise InputError(f"Cannot write {path}: it is a folder, name a file.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise explain(error, f"write {path}") from error


def sha256(path: Path) -> str:
    """The hexadecimal sha256 of a file's content."""
    check_regular(path)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fingerprint(path: Path) -> str:
    """Twelve hexadecimal digits that identify a weights file, from its size and blocks spread over it.

    At most 4 MB are read, so that it is quick for files of many gigabytes.
    """
    check_regular(path)
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for n in range(_BLOCKS):
            file.seek(max(0, (size - _BLOCK) * n // (_BLOCKS - 1)))
            digest.update(file.read(_BLOCK))
    return digest.hexdigest()[:12]


def cache_folder() -> Path:
    """The folder for files that can be made again: $DIFFSTYLE_CACHE, or `diffstyle` in the user's cache folder."""
    found = os.environ.get(CACHE_VARIABLE) or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "diffstyle"
    return Path(found).expanduser()

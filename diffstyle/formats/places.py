"""Files by path or URL, such as s3://bucket/photo.jpg: found, read, and written whole or not at all, through fsspec."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from diffstyle.core.errors import InputError, explain

PARTIAL = ".partial"
_URL = re.compile(r"[a-z][a-z0-9+.-]+(::[a-z][a-z0-9+.-]+)*://")
_CHANGES = ("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "created")


def is_url(place: str) -> bool:
    """Whether `place` is a URL, and no path."""
    return _URL.match(place) is not None


def local_path(place: str) -> Path | None:
    """The path of a file on this machine, which file:// URLs name too; None for other URLs."""
    if place.startswith("file://"):
        return Path(place[len("file://") :])
    return None if is_url(place) else Path(place)


@contextmanager
def accessing(action: str) -> Generator[None]:
    """Turn what a file system raises into an InputError: `action` is what was tried, such as "read s3://bucket/a.jpg".

    File systems raise anything: their own errors, those of their clients, and ImportError for a missing client.
    """
    try:
        yield
    except InputError:
        raise
    except ImportError as error:
        raise InputError(f"Cannot {action}: {' '.join(str(error).split()).rstrip('.')}.") from error
    except OSError as error:
        raise explain(error, action) from error
    except Exception as error:
        said = " ".join(str(error).split())[:200].rstrip(".")
        raise InputError(f"Cannot {action}: {said or type(error).__name__}.") from error


def file_system(place: str) -> tuple[Any, str]:
    """fsspec's file system of a path or URL, and the path in it. InputError for a URL that fsspec cannot use."""
    from fsspec.core import url_to_fs  # pyright: ignore[reportUnknownVariableType]

    with accessing(f"use {place}"):
        found, path = url_to_fs(place)  # pyright: ignore[reportUnknownVariableType]
        return found, str(path)  # pyright: ignore[reportUnknownArgumentType]


def is_folder(place: str) -> bool:
    """Whether `place` is a folder."""
    with accessing(f"read {place}"):
        system, path = file_system(place)
        return bool(system.isdir(path))


def found_in(folder: str, *, recursive: bool) -> dict[str, str]:
    """The files in a folder by their names in it, with slashes, in order; values are paths or URLs. No hidden files."""
    with accessing(f"read the folder {folder}"):
        system, path = file_system(folder)
        found: list[str] = [str(name) for name in system.find(path, maxdepth=None if recursive else 1)]
        root = path.rstrip("/")
        inside = sorted(name[len(root) :].lstrip("/") for name in found if name.startswith(root))
    base = folder.rstrip("/")
    return {name: f"{base}/{name}" for name in inside if not any(p.startswith(".") for p in PurePosixPath(name).parts)}


def matching(pattern: str) -> list[str]:
    """The URLs that a URL with *, ? or [ matches, in order; the URL itself if it has none of these."""
    if not is_url(pattern) or not re.search(r"[*?\[]", pattern):
        return [pattern]
    with accessing(f"read {pattern}"):
        system, path = file_system(pattern)
        return [str(system.unstrip_protocol(name)) for name in sorted(system.glob(path))]


def read(place: str, start: int = 0, size: int | None = None) -> bytes:
    """The bytes of a file, or `size` of them from `start`. InputError if it cannot be read, or ends before."""
    with accessing(f"read {place}"):
        system, path = file_system(place)
        data = bytes(system.cat_file(path, start=start, end=None if size is None else start + size))
    if size is not None and len(data) < size:
        raise InputError(f"Cannot read {place}: the file is cut off, copy it again.")
    return data


def exists(place: str) -> bool:
    """Whether there is a file or folder of that name; InputError if that cannot be seen."""
    path = local_path(place)
    if path is not None:
        return path.exists()
    with accessing(f"read {place}"):
        system, name = file_system(place)
        return bool(system.exists(name))


def publish(path: Path, place: str) -> None:
    """Copy a file of this machine to a URL: under a temporary name first, which is then renamed.

    InputError if it cannot be written.
    """
    with accessing(f"write {place}"):
        system, name = file_system(place)
        folder, _, own = name.rpartition("/")
        temporary = f"{folder}/.{own[:40]}.{secrets.token_hex(4)}{PARTIAL}"
        with suppress(FileExistsError, NotImplementedError):
            system.makedirs(folder, exist_ok=True)
        try:
            system.put_file(str(path), temporary)
            system.mv(temporary, name)
        except BaseException:
            with suppress(Exception):
                system.rm_file(temporary)
            raise


def sweep(places: list[str]) -> None:
    """Delete what writers of `places` left under temporary names when they were killed."""
    folders: dict[str, set[str]] = {}
    for place in places:
        folder, _, name = place.rpartition("/")
        folders.setdefault(folder, set()).add(name[:40])
    for folder, names in folders.items():
        with suppress(Exception):
            system, path = file_system(folder)
            for found in system.ls(path, detail=False):
                left = str(found).rpartition("/")[2]
                if (
                    left.startswith(".")
                    and left.endswith(PARTIAL)
                    and left[1 : -len(PARTIAL)].rpartition(".")[0] in names
                ):
                    system.rm_file(found)


def stamp(place: str) -> tuple[str, int, int]:
    """What changes when a file does: its path or URL, when it changed or a digest of its tag, and its size.

    OSError if there is none.
    """
    path = local_path(place)
    if path is not None:
        found = path.stat()
        return str(path.absolute()), found.st_mtime_ns, found.st_size
    system, name = file_system(place)
    info: dict[str, Any] = system.info(name)
    change = next((info[key] for key in _CHANGES if info.get(key)), "")
    return place, int(hashlib.sha256(str(change).encode()).hexdigest()[:12], 16), int(info.get("size") or 0)

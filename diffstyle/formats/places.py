"""Files by path or URL, such as s3://bucket/photo.jpg: found, read, and written whole or not at all, through fsspec."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from diffstyle.core.errors import InputError, explain

PARTIAL = ".partial"
_URL = re.compile(r"[a-z][a-z0-9+.-]+(::[a-z][a-z0-9+.-]+)*://", re.IGNORECASE)
_SCHEME = re.compile(r"(?:^|(?<=::))[a-z][a-z0-9+.-]+(?=://|::)", re.IGNORECASE)
_CACHES = re.compile(r"(?:(?:simplecache|filecache|blockcache)::)+")
_SECRETS = (
    (re.compile(r"(://)[^/\s'\"]*@"), r"\1"),  # user and password
    (re.compile(r"(https?://[^\s?]*)\?[^\s'\"]*", re.IGNORECASE), r"\1"),
    (re.compile(r"(?<!file)(?<!local)(://[^?\n]*)\?[^\s'\"]*=[^\s'\"]*"), r"\1"),
)
_CHANGES = (
    *("ETag", "etag", "mtime", "LastModified", "last_modified", "updated", "created"),
    *("Last-Modified", "Content-MD5", "Digest", "modify", "modificationTime"),
)


def is_url(place: str) -> bool:
    """Whether `place` is a URL, and no path."""
    return _URL.match(place) is not None


def local_path(place: str) -> Path | None:
    """The path of a file on this machine, which file:// URLs name too; None for other URLs."""
    scheme, mark, path = place.partition("://")
    if mark and scheme.lower() in ("file", "local"):
        return Path(path)
    return None if is_url(place) else Path(place)


def shown(text: str) -> str:
    """`text` as people and files may see it: URLs in it without users, passwords and queries, which may be keys."""
    for pattern, kept in _SECRETS:
        text = pattern.sub(kept, text)
    return text


def identity(place: str) -> tuple[str, str, str]:
    """Protocol, host where the path leaves it out, and path: equal for all names of a file by paths and URLs."""
    path = local_path(place)
    if path is not None:
        return "file", "", str(path.resolve())
    place = _CACHES.sub("", place)
    system, name = file_system(place)
    protocol = system.protocol if isinstance(system.protocol, str) else "|".join(system.protocol)
    return protocol, str(getattr(system, "host", "") or "").lower(), name + "".join(place.partition("::")[1:])


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
        raise InputError(shown(f"Cannot {action}: {' '.join(str(error).split()).rstrip('.')}.")) from error
    except OSError as error:
        raise InputError(shown(str(explain(error, action)))) from error
    except Exception as error:
        said = shown(" ".join(str(error).split()))[:200].rstrip(".")
        raise InputError(f"Cannot {shown(action)}: {said or type(error).__name__}.") from error


def file_system(place: str) -> tuple[Any, str]:
    """fsspec's file system of a path or URL, and the path in it. InputError for a URL that fsspec cannot use."""
    from fsspec.core import url_to_fs  # pyright: ignore[reportUnknownVariableType]
    from fsspec.implementations.local import LocalFileSystem  # pyright: ignore[reportMissingTypeStubs]

    own = local_path(place)
    if own is not None:  # fsspec takes :: in a path for a chain of URLs
        return LocalFileSystem(), own.absolute().as_posix()
    with accessing(f"use {place}"):
        url = _SCHEME.sub(lambda scheme: scheme[0].lower(), place)
        found, path = url_to_fs(url)  # pyright: ignore[reportUnknownVariableType]
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
    """The URLs that a URL with *, ? or [ matches, in order; the URL itself if it has none of these, or is a file.

    InputError if there are none.
    """
    if not is_url(pattern) or not re.search(r"[*?\[]", pattern):
        return [pattern]
    with suppress(InputError):  # some file systems refuse such names
        if exists(pattern):
            return [pattern]
    with accessing(f"read {pattern}"):
        system, path = file_system(pattern)
        found = [str(system.unstrip_protocol(name)) for name in sorted(system.glob(path))]
    if not found:
        raise InputError(f"Nothing matches {shown(pattern)}: check the pattern.")
    return found


def read(place: str, start: int = 0, size: int | None = None) -> bytes:
    """The bytes of a file, or `size` of them from `start`. InputError if it cannot be read, or ends before."""
    with accessing(f"read {place}"):
        system, path = file_system(place)
        data = bytes(system.cat_file(path, start=start, end=None if size is None else start + size))
    if size is not None and len(data) < size:
        raise InputError(f"Cannot read {shown(place)}: the file is cut off, copy it again.")
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
    from fsspec import AbstractFileSystem  # pyright: ignore[reportMissingTypeStubs]

    with accessing(f"write {place}"):
        system, name = file_system(place)
        folder, _, own = name.rpartition("/")
        temporary = f"{folder}/.{_short(own)}.{secrets.token_hex(4)}{PARTIAL}"
        with suppress(FileExistsError, NotImplementedError):
            system.makedirs(folder, exist_ok=True)
        try:
            system.put_file(str(path), temporary)
            if type(system).mv is AbstractFileSystem.mv:  # which takes names for patterns, and copies too
                system.cp_file(temporary, name)
                system.rm_file(temporary)
            else:
                system.mv(temporary, name)
        except BaseException:
            with suppress(Exception):
                system.rm_file(temporary)
            raise


def _short(name: str) -> str:
    """A digest of a file's name, for that of its temporary file: short, and without characters of patterns."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def partials(places: Iterable[str]) -> set[tuple[str, str]]:
    """What writers of `places` have or left under temporary names: folders as in `places`, and paths in them."""
    folders: dict[str, set[str]] = {}
    for place in places:
        folder, _, name = place.rpartition("/")
        folders.setdefault(folder, set()).update((name[:40], _short(name)))
    found: set[tuple[str, str]] = set()
    for folder, names in folders.items():
        with suppress(Exception):
            system, path = file_system(folder)
            system.invalidate_cache()
            for each in system.ls(path, detail=False):
                left = str(each).rpartition("/")[2]
                own = left[1 : -len(PARTIAL)].rpartition(".")[0]
                if left.startswith(".") and left.endswith(PARTIAL) and own in names:
                    found.add((folder, str(each)))
    return found


def sweep(places: Iterable[str], keep: Collection[tuple[str, str]] = ()) -> None:
    """Delete what writers of `places` left under temporary names when they were killed, but for those to `keep`."""
    for folder, path in partials(places):
        if (folder, path) not in keep:
            with suppress(Exception):
                file_system(folder)[0].rm_file(path)


def stamp(place: str) -> tuple[str, int, int]:
    """What changes when a file does: its path or URL, when it changed or a digest of its tag, and its size.

    OSError if there is none, or if its server says neither; InputError if a URL cannot be read.
    """
    path = local_path(place)
    if path is not None:
        found = path.stat()
        return str(path.absolute()), found.st_mtime_ns, found.st_size
    with accessing(f"read {place}"):
        system, name = file_system(place)
        info: dict[str, Any] = system.info(name)
    change = next((info[key] for key in _CHANGES if info.get(key)), None)
    if change is None:
        raise FileNotFoundError(f"nothing tells when {shown(place)} changed")
    return shown(place), int(hashlib.sha256(str(change).encode()).hexdigest()[:12], 16), int(info.get("size") or 0)

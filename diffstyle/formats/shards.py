"""Webdataset shards: pictures in tar files, which are listed by their headers and read one by one."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from diffstyle.core.errors import InputError
from diffstyle.formats.places import accessing, file_system, shown

SUFFIX = ".tar"


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a shard: `size` bytes from `start`. A `problem` is a sentence that says why it cannot be used."""

    name: str
    start: int
    size: int
    problem: str = ""


def members(shard: str, wanted: Callable[[str], bool]) -> list[Member]:
    """The files of a shard, given as path or URL, whose names are `wanted`, in order.

    Only headers are read. A shard that is cut off or damaged has one more member, with the `problem` and no name.
    """
    found: list[Member] = []
    last = ""
    try:
        with accessing(f"read {shard}"):
            system, path = file_system(shard)
            with system.open(path, "rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
                for info in tar:
                    last = info.name
                    if info.isfile() and wanted(info.name):
                        found.append(_member(shard, info))
                if not _ends(file, tar.offset):  # tarfile takes a damaged header for the end
                    raise InputError(f"The shard {shown(shard)} is cut off or damaged after {last}: copy it again.")
    except InputError as error:
        return [*_once(shard, found), Member("", 0, 0, str(error))]
    return _once(shard, found)


def _ends(file: Any, offset: int) -> bool:
    """Whether a tar file ends at `offset`: with a block of zeros, and nothing but zeros behind it."""
    file.seek(offset)
    size = 0
    while data := file.read(1 << 20):
        if data.strip(b"\0"):
            return False
        size += len(data)
    return size >= tarfile.BLOCKSIZE


def _once(shard: str, found: Sequence[Member]) -> list[Member]:
    """The members, with a `problem` for each whose name another one has before it."""
    seen: set[str] = set()
    kept: list[Member] = []
    for member in found:
        again = member.name.casefold() in seen and not member.problem
        said = f"Cannot use this {member.name} in {shown(shard)}: another one is before it, rename it."
        kept.append(replace(member, problem=said) if again else member)
        seen.add(member.name.casefold())
    return kept


def _member(shard: str, info: tarfile.TarInfo) -> Member:
    name = PurePosixPath(info.name)
    outside = name.is_absolute() or ".." in name.parts or "\\" in info.name or "\0" in info.name
    problem = (
        f"Cannot use {info.name} in {shown(shard)}: its name leads out of the folder, rename it." if outside else ""
    )
    return Member(str(name), info.offset_data, info.size, problem)

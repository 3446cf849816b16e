"""Webdataset shards: pictures in tar files, which are listed by their headers and read one by one."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from diffstyle.core.errors import InputError
from diffstyle.formats.places import accessing, file_system

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
    try:
        with accessing(f"read {shard}"):
            system, path = file_system(shard)
            with system.open(path, "rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
                for info in tar:
                    if info.isfile() and wanted(info.name):
                        found.append(_member(shard, info))
    except InputError as error:
        return [*found, Member("", 0, 0, str(error))]
    return found


def _member(shard: str, info: tarfile.TarInfo) -> Member:
    name = PurePosixPath(info.name)
    outside = name.is_absolute() or ".." in name.parts or "\\" in info.name or "\0" in info.name
    problem = f"Cannot use {info.name} in {shard}: its name leads out of the folder, rename it." if outside else ""
    return Member(str(name), info.offset_data, info.size, problem)

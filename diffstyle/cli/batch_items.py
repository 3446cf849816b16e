"""What a batch paints: the photos in files, folders, shards and buckets, and the place that each of them goes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from diffstyle.cli.finished import Stamps
from diffstyle.cli.targets import SUFFIXES, Photo, target_names
from diffstyle.core.errors import InputError, explain
from diffstyle.core.user_path import user_path
from diffstyle.formats import shards
from diffstyle.formats.atomic import check_writable
from diffstyle.formats.places import (
    exists,
    found_in,
    identity,
    is_folder,
    is_url,
    local_path,
    matching,
    shown,
    stamp,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A photo and the place of its picture, as absolute paths or URLs.

    A photo in a shard is the `member` of that name: `size` bytes from `start`. `existed` says whether there was a file
    at the target before the run, `problem` why the photo cannot be used.
    """

    source: str
    below: str = ""
    member: str = ""
    start: int = 0
    size: int = 0
    target: str = ""
    existed: bool = False
    problem: str = ""

    @property
    def label(self) -> str:
        """The photo as messages name it."""
        source = shown(self.source)
        return f"{source}!{self.member}" if self.member else source

    @property
    def photo(self) -> Photo:
        """Its name, and the folder below the output folder."""
        return Photo(Path(PurePosixPath(self.member or shown(self.source)).name), Path(self.below))

    def stamps(self) -> Stamps | None:
        """What changes when the photo or its picture does; None if one of them is gone."""
        with suppress(OSError, InputError):
            path, changed, size = stamp(self.source)
            return (f"{path}!{self.member}" if self.member else path, changed, size), stamp(self.target)
        return None


def found_items(named: Sequence[str], out: str, *, recursive: bool) -> list[Item]:
    """The photos that paths and URLs name, with their targets in the folder `out`; folders are searched.

    Raises InputError for what has no pictures in it, and for photos that would go to one file.
    """
    out = absolute(out)
    found: list[Item] = []
    for text in named:
        before = len(found)
        for place in map(absolute, matching(text)):
            found += _in_folder(place, out, recursive=recursive) if is_folder(place) else _opened(place, "")
        if len(found) == before:
            raise InputError(f"There are no pictures in {shown(text)}: name another shard.")
    usable = [item for item in found if not item.problem]
    names = iter(target_names([item.photo for item in usable]))
    items: list[Item] = []
    for item in found:
        target = "" if item.problem else f"{out}/{next(names).as_posix()}"
        items.append(replace(item, target=target, existed=bool(target) and exists(target)))
    return items


def absolute(place: str) -> str:
    """A URL as it is, without a slash at its end; a path from the root, with a leading ~ replaced."""
    return place.rstrip("/") if is_url(place) else str(user_path(place).absolute())


def _in_folder(folder: str, out: str, *, recursive: bool) -> list[Item]:
    items: list[Item] = []
    painted = _painted_in(folder, out)
    for name, place in found_in(folder, recursive=recursive).items():
        if PurePosixPath(name).suffix.lower() in (*SUFFIXES, shards.SUFFIX) and not painted(name):
            items += _opened(place, PurePosixPath(name).parent.as_posix())
    if not items:
        more = "" if recursive else ", add --recursive for the folders in it"
        raise InputError(f"There are no pictures in the folder {shown(folder)}: name another one{more}.")
    return items


def _painted_in(folder: str, out: str) -> Callable[[str], bool]:
    """Whether the file of a name in `folder` lies in `out`, where earlier runs painted; False if both are the same."""
    root, own = identity(folder), identity(out)
    if root == own:
        return lambda _: False
    place, made = local_path(folder), Path(own[2])
    if place is not None:
        return lambda name: own[0] == root[0] and (place / name).resolve().is_relative_to(made)
    below = f"{root[2].rstrip('/')}/"
    inside = root[:2] == own[:2] and own[2].startswith(below)
    return lambda name: inside and name.startswith(f"{own[2][len(below) :]}/")


def _opened(place: str, below: str) -> list[Item]:
    """A photo; or the pictures of a shard, which go to a folder of its name."""
    own = PurePosixPath(shown(place))
    if own.suffix.lower() != shards.SUFFIX:
        return [Item(source=place, below=below)]
    folder = PurePosixPath(below, own.stem)
    found = shards.members(place, lambda name: PurePosixPath(name).suffix.lower() in SUFFIXES)
    return [
        Item(
            source=place,
            below=(folder / PurePosixPath(m.name).parent).as_posix(),
            member=m.name,
            start=m.start,
            size=m.size,
            problem=m.problem,
        )
        for m in found
    ]


def check_out(out: str) -> None:
    """Make the folder `out`, unless it is a URL. InputError if it cannot be the folder of many pictures."""
    from diffstyle.formats.picture_file import FORMATS

    path = local_path(absolute(out))
    if PurePosixPath(out).suffix.lower() in FORMATS and not (path and path.is_dir()):
        raise InputError(f"{shown(out)} is one file, and a batch paints several photos: give a folder.")
    if path is not None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain(error, f"make the folder {path}") from error
        check_writable(path / "picture.png")

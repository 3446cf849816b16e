"""Which photos a command line names, and the file that each of them is painted to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from diffstyle.core.errors import InputError, explain
from diffstyle.formats.atomic import Inputs, check_writable

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".bmp"),
    *(".gif", ".jp2", ".ppm", ".pgm", ".pnm", ".tga", ".psd", ".dds"),
)
"""What counts as a picture in a folder that was named as a whole."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo, and the folder below the output folder that its picture goes to."""

    path: Path
    below: Path = Path()


def found_photos(named: Sequence[Path], *, recursive: bool, out: Path | None) -> list[Photo]:
    """The photos in the order named; those of a folder by name, without hidden files and without what lies in `out`.

    Raises InputError for a folder without pictures.
    """
    photos: list[Photo] = []
    for path in named:
        if not path.is_dir():
            photos.append(Photo(path))
            continue
        inside = [Photo(p, p.parent.relative_to(path)) for p in files_in(path, SUFFIXES, recursive=recursive, out=out)]
        if not inside:
            more = "" if recursive else ", add --recursive for the folders in it"
            raise InputError(f"There are no pictures in the folder {path}: name another one{more}.")
        photos += inside
    return photos


def files_in(folder: Path, suffixes: Collection[str], *, recursive: bool, out: Path | None) -> list[Path]:
    """The files of a folder that end in one of `suffixes`, by name, without hidden files and what lies in `out`.

    Raises InputError for a folder that cannot be read.
    """
    try:
        files = sorted(folder.rglob("*") if recursive else folder.iterdir())
        own = None if out is None or not out.is_dir() or out.samefile(folder) else out.resolve()
    except OSError as error:
        raise explain(error, f"read the folder {folder}") from error
    return [
        path
        for path in files
        if path.suffix.lower() in suffixes
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
        and (own is None or not path.resolve().is_relative_to(own))
    ]


def targets_in(photos: Sequence[Photo], folder: Path) -> dict[Path, Path]:
    """Where each photo goes in `folder`; photos that share a stem keep their suffix, so that none overwrites another.

    Raises InputError for a `folder` that is a file's name, and for photos that would still go to one file.
    """
    from diffstyle.formats.picture_file import FORMATS

    if folder.suffix.lower() in FORMATS and not folder.is_dir():
        raise InputError(f"{folder} is one file, and there are several photos: give a folder, -o FOLDER/.")
    for below in dict.fromkeys(p.below for p in photos):
        try:
            (folder / below).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain(error, f"make the folder {folder / below}") from error
        check_writable(folder / below / "picture.png")
    return {p.path: folder / name for p, name in zip(photos, target_names(photos), strict=True)}


def target_names(photos: Sequence[Photo]) -> list[Path]:
    """The name of each photo's picture below the output folder. InputError for photos that would go to one file."""
    stems = Counter((p.below, p.path.stem.casefold()) for p in photos)
    names: list[Path] = []
    for p in photos:
        alone = stems[p.below, p.path.stem.casefold()] == 1
        names.append(p.below / f"{p.path.stem if alone else p.path.name}.png")
    if len({str(name).casefold() for name in names}) < len(photos):
        raise InputError("Two of the photos have the same name: render them into folders of their own.")
    return names


def default_target(photo: Path, *, overwrite: bool) -> Path:
    """The picture beside `photo` that it is painted to when nobody says where.

    Raises InputError if there is one that was made from another photo, unless `overwrite`.
    """
    from diffstyle.formats.recipe import read_recipe

    target = photo.with_name(f"{photo.stem}.styled.png")
    if overwrite or not target.exists():
        return target
    try:
        same = read_recipe(target).content_source == photo.name
    except InputError:
        same = False
    if not same:
        raise InputError(
            f"{target} is there already and was not made from {photo.name}: give a name with -o, or add --overwrite."
        )
    return target


def check_apart(target: Path, layers: Path | None, inputs: Inputs) -> None:
    """InputError if `target` or the `layers` would replace one another, or what is read."""
    check_writable(target, inputs)
    if layers is not None:
        from diffstyle.formats.layered import check_layers

        check_layers(layers, Inputs.of([*inputs.paths, target], missing=True))

"""Uploaded files as pictures and recipes, with limits that are checked before a file is decoded."""

from __future__ import annotations

from pathlib import Path

from diffstyle.core.camera_raw import refuse_raw
from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.reading import open_image, read_bytes, reading
from diffstyle.engines.replay import upgraded
from diffstyle.formats.recipe import Recipe, read_recipe
from diffstyle.serving.limits import ServerLimits

MAX_REFERENCE_SIDE = 1024
_TIFF = (b"II", b"MM")


class Refused(Exception):
    """A request that the server does not take, with the HTTP status and the sentence for its sender."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def open_picture(path: Path, limits: ServerLimits) -> Picture:
    """The picture in `path`. Its source, which messages and recipes contain, is the file's name without folders.

    Raises InputError for more than `limits.max_pixels`, and for what `Picture.open` refuses.
    """
    try:
        picture = Picture.open(path, max_pixels=limits.max_pixels)
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
    notes = tuple(note.replace(str(path), path.name) for note in picture.notes)
    return Picture(picture.pixels, picture.alpha, path.name, notes)


def open_reference(path: Path, limits: ServerLimits) -> Picture:
    """The picture of a style in `path`, reduced to `MAX_REFERENCE_SIDE` because it is kept in memory."""
    return open_picture(path, limits).reduced(MAX_REFERENCE_SIDE)


def check_picture(path: Path, limits: ServerLimits) -> None:
    """InputError if the head of a file says that it is no picture, or has more than `limits.max_pixels`: nothing is
    decoded. TIFF files are left to `open_picture`, which reads more kinds of them.
    """
    data = read_bytes(path)
    if not data.startswith(_TIFF):
        with reading(path.name):
            refuse_raw(data, path.name)
            open_image(data, path.name, most=limits.max_pixels).close()


def open_recipe(path: Path, limits: ServerLimits) -> Recipe:
    """The recipe inside a saved picture, in the current schema. Messages contain the file's name without folders."""
    try:
        return upgraded(read_recipe(path, limits.recipes))
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error

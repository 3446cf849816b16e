"""Uploaded files as pictures and recipes, with limits that are checked before a file is decoded."""

from __future__ import annotations

from pathlib import Path

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.engines.replay import upgraded
from diffstyle.formats.recipe import Recipe, read_recipe
from diffstyle.serving.limits import ServerLimits


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


def open_recipe(path: Path, limits: ServerLimits) -> Recipe:
    """The recipe inside a saved picture, in the current schema. Messages contain the file's name without folders."""
    try:
        return upgraded(read_recipe(path, limits.recipes))
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error

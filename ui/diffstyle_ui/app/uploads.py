"""Uploaded files as pictures, with limits that are checked before a file is decoded."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from diffstyle import InputError, Picture, read_recipe
from diffstyle.engines.replay import upgraded
from diffstyle.formats.recipe import Recipe

EXPIRED = "The upload has expired, because uploads are deleted after a few hours: add the file again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What visitors may ask of the server.

    `max_pixels` of a picture, `max_upload_mb` of a file, `queue_size` requests that wait; and whether visitors may
    train adapters, which everybody who uses this server then sees.
    """

    max_pixels: int = 50_000_000
    max_upload_mb: int = 50
    queue_size: int = 64
    training: bool = True

    def __post_init__(self) -> None:
        for name in ("max_pixels", "max_upload_mb", "queue_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: give a whole number of 1 or more.")


def upload_path(payload: Mapping[str, Any] | None, what: str = "a photo") -> Path:
    """The file of an upload. Gradio has checked that it lies in the server's own upload folder.

    Raises InputError if there is none, asking for `what`, or if it is deleted.
    """
    path = (payload or {}).get("path")
    if not path:
        raise InputError(f"There is no picture yet: add {what} first.")
    if not Path(path).is_file():
        raise InputError(EXPIRED)
    return Path(path)


def open_picture(path: Path, limits: Limits) -> Picture:
    """The picture in `path`. Its source, which messages and recipes contain, is the file's name without folders.

    Raises InputError for more than `limits.max_pixels`, and for what `Picture.open` refuses.
    """
    _check_pixels(path, limits)
    try:
        picture = Picture.open(path)
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
    return Picture(picture.pixels, picture.alpha, path.name, picture.notes)


def open_recipe(path: Path) -> Recipe:
    """The recipe inside a saved picture, in the current schema. Messages contain the file's name without folders."""
    try:
        return upgraded(read_recipe(path))
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error


def _check_pixels(path: Path, limits: Limits) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            with Image.open(path) as image:
                width, height = image.size
    except Image.DecompressionBombError:
        width, height = limits.max_pixels, 2
    except (OSError, SyntaxError, ValueError):
        return  # Picture.open explains what is wrong with it
    if width * height > limits.max_pixels:
        millions = f"{limits.max_pixels / 1e6:g}"
        raise InputError(f"{path.name} has more than {millions} million pixels: make it smaller, then add it again.")

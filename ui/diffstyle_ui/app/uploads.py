"""What people drop on the page, as pictures: checked before anything is decoded."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from diffstyle import InputError, Picture, read_recipe
from diffstyle.formats.recipe import Recipe
from diffstyle_ui.app.limits import Limits

GONE = "The upload is no longer here, for uploads are kept a few hours only: drop the file again."


def uploaded(payload: Mapping[str, Any] | None, what: str = "a photo") -> Path:
    """The file of an upload as it comes from the page, which has checked that it lies in its own folder."""
    path = (payload or {}).get("path")
    if not path:
        raise InputError(f"There is no picture yet: drop {what} first.")
    if not Path(path).is_file():
        raise InputError(GONE)
    return Path(path)


def opened(path: Path, limits: Limits) -> Picture:
    """The picture in `path`; its source, which messages and recipes name, is the bare name of the file."""
    _check_pixels(path, limits)
    try:
        picture = Picture.open(path)
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
    return Picture(picture.pixels, picture.alpha, path.name, picture.notes)


def _check_pixels(path: Path, limits: Limits) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            with Image.open(path) as image:
                width, height = image.size
    except Image.DecompressionBombError:
        width, height = limits.max_pixels, 2
    except (OSError, SyntaxError, ValueError):
        return  # Picture.open says what is wrong with it
    if width * height > limits.max_pixels:
        millions = f"{limits.max_pixels / 1e6:g}"
        raise InputError(f"{path.name} has more than {millions} million pixels: make it smaller, then drop it again.")


def recipe_in(path: Path) -> Recipe:
    """The recipe inside a saved picture; messages name the file as its owner calls it."""
    try:
        return read_recipe(path)
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error

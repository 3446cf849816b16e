"""Where something new of the user's is kept: adapters and students. Imports no torch."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from diffstyle.core.errors import InputError, explain

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def new_folder(home: Path, name: str, *, what: str, taken: Sequence[str], variable: str, overwrite: bool) -> Path:
    """The folder `name` in `home` for something new of the user's; InputError if the name is not valid or is `taken` by
    what ships, if there is such a folder, or if it cannot be written.

    `what` it is called, and the `variable` that names another home, are for the messages.
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is not a valid name: use letters, digits, - and _, at most 64 of them.")
    folder = home / name
    one = f"{'An' if what[0] in 'aeiou' else 'A'} {what}"
    if name in taken and not folder.exists():
        raise InputError(f"{one} called {name} comes with diffstyle: choose another name.")
    if folder.exists() and not overwrite:
        raise InputError(f"There is {one.lower()} called {name}: choose another name, or give overwrite.")
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, f"make the folder {home}") from error
    if not os.access(home, os.W_OK):
        raise InputError(f"Cannot write to {home}: set {variable} to a folder of yours.")
    return folder

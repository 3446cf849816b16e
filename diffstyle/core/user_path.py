"""Paths as people type them. Apart from everything else, because the command line reads them before it loads numpy."""

from __future__ import annotations

import stat
from pathlib import Path

from diffstyle.core.errors import InputError


def user_path(text: str | Path) -> Path:
    """The path of `text`, a leading ~/ being the home folder: shells leave it as it is behind = and inside quotes."""
    path = Path(text)
    return path.expanduser() if path.parts[:1] == ("~",) else path


def is_file(text: str) -> bool:
    """Whether there is a file of that name; False for what is no valid name."""
    try:
        return user_path(text).is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def is_folder(text: str) -> bool:
    """Whether there is a folder of that name; False for what is no valid name."""
    try:
        return user_path(text).is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def check_regular(path: Path) -> None:
    """InputError for a device, a named pipe or a socket: reading one may never end. OSError if there is nothing."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise InputError(f"Cannot read {path}: it is a device, a pipe or a socket; give a file.")

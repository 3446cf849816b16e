"""Style files in ComfyUI's own folders; a workflow can reach no others."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import folder_paths

from diffstyle import InputError
from diffstyle.formats.style_file import SUFFIX


def style_file(name: str) -> Path:
    """The file called `name` in ComfyUI's input or output folder. InputError if there is none."""
    folders = (Path(folder_paths.get_input_directory()), Path(folder_paths.get_output_directory()))
    for folder in folders:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            return path
    raise InputError(f"There is no style file {name!r} in ComfyUI's input and output folders: check the name.")


def state_of(name: str) -> str:
    """What changes when the file called `name` does; "" if there is none."""
    try:
        found = style_file(name).stat()
    except InputError:
        return ""
    return f"{found.st_mtime_ns}:{found.st_size}"


def new_style_file(name: str) -> Path:
    """A path for a new style file in ComfyUI's output folder, numbered if the name is taken.

    InputError for a name that leads out of the folder.
    """
    folder = Path(folder_paths.get_output_directory()).resolve()
    stem = name.removesuffix(SUFFIX)
    path = (folder / f"{stem}{SUFFIX}").resolve()
    if not path.is_relative_to(folder):
        raise InputError(f"{name!r} leads out of ComfyUI's output folder: give a name inside it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    numbered = (path.with_name(f"{Path(stem).name}_{n:05}{SUFFIX}") for n in count(1))
    return path if not path.exists() else next(p for p in numbered if not p.exists())

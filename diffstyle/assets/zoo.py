"""Named styles and style adapters, found by name: those that come with diffstyle, and the user's own."""

from __future__ import annotations

import difflib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffstyle.assets.manifest import data_folder, read_toml, weights_folder
from diffstyle.core.errors import InputError, explain
from diffstyle.core.style import Style
from diffstyle.formats.atomic import sha256
from diffstyle.formats.style_file import SUFFIX
from diffstyle.formats.style_files import load

ADAPTERS_VARIABLE = "DIFFSTYLE_ADAPTERS"
INFO, TENSORS, LOOK = "adapter.toml", "adapter.safetensors", f"style{SUFFIX}"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def style_files() -> dict[str, Path]:
    """The file of each named style, in alphabetical order."""
    folder = weights_folder() / "starter" / "styles"
    return {p.name.removesuffix(SUFFIX): p for p in sorted(folder.glob(f"*{SUFFIX}"))}


def example_photo() -> Path:
    """The photo of the thumbnails."""
    return weights_folder() / "starter" / "styles" / "content.jpg"


def named_style(name: str) -> Style:
    """The style called `name`; InputError names the nearest ones if there is none."""
    files = style_files()
    if name not in files:
        raise InputError(_unknown("style", name, list(files), "`diffstyle style list` names them."))
    return load(files[name])


def starter_space() -> tuple[str, int]:
    """Name and width of the starter's embedding space, in which the named styles are embedded."""
    style = named_style(next(iter(style_files())))
    return style.space, len(style.embedding)


@dataclass(frozen=True, slots=True)
class AdapterInfo:
    """What the adapter.toml in `folder` says. `own`: it is the user's, not one that ships."""

    folder: Path
    name: str
    kind: str
    backbone: str
    sha256: str
    source: str = ""
    space: str = ""
    licence: str = ""
    own: bool = False

    @property
    def file(self) -> Path:
        return self.folder / TENSORS

    @property
    def look(self) -> Path | None:
        """The style that it paints, if it is one style's."""
        path = self.folder / LOOK
        return path if path.is_file() else None


def adapters_folder() -> Path:
    """Where the user's own adapters are kept: $DIFFSTYLE_ADAPTERS, or a folder among the user's data."""
    data = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "diffstyle" / "adapters"
    return Path(os.environ.get(ADAPTERS_VARIABLE) or data).expanduser()


def adapter_folders() -> dict[str, Path]:
    """The folder of each style adapter, in alphabetical order: one that holds adapter.toml. What ships goes first."""
    homes = [adapters_folder(), data_folder("adapters")]
    return dict(sorted((p.parent.name, p.parent) for home in homes for p in home.glob(f"[!.]*/{INFO}")))


def adapter_info(name: str) -> AdapterInfo:
    """The adapter called `name`; InputError if there is none, naming the nearest, or if its adapter.toml is damaged."""
    folders = adapter_folders()
    if name not in folders:
        raise InputError(_unknown("adapter", name, list(folders), "`diffstyle adapters list` names them."))
    folder = folders[name]
    values: dict[str, Any] = read_toml(folder / INFO)
    known = {k: str(values.get(k, "")) for k in ("kind", "backbone", "sha256", "source", "space", "licence")}
    if not all(known[k] for k in ("kind", "backbone", "sha256")):
        raise InputError(f"Cannot use {folder / INFO}: it does not say kind, backbone and sha256; train it again.")
    return AdapterInfo(folder, name, own=folder.parent == adapters_folder(), **known)


def adapter_file(name: str) -> Path:
    """The weights of the adapter called `name`; InputError if they are not what its adapter.toml says."""
    info = adapter_info(name)
    if not info.file.is_file() or sha256(info.file) != info.sha256:
        again = "train it again" if info.own else "install diffstyle again"
        raise InputError(f"The adapter {info.file} is missing or damaged: {again}.")
    return info.file


def adapter_style(name: str) -> Style:
    """The style of the personal adapter called `name`, which brings the adapter along."""
    look = adapter_info(name).look
    if look is None:
        raise InputError(f"The adapter {name} paints any style: name it with --adapter, and the style with --style.")
    return load(look)


def check_new(name: str, *, overwrite: bool) -> Path:
    """The folder for a new adapter of the user's; InputError for a name that no folder can have, or is taken."""
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name for an adapter: use letters, digits, - and _, up to 64 of them.")
    folder = adapters_folder() / name
    if name in adapter_folders() and not folder.exists():
        raise InputError(f"An adapter called {name} comes with diffstyle: choose another name.")
    if folder.exists() and not overwrite:
        raise InputError(f"There is an adapter called {name}: choose another name, or say overwrite.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain(error, f"make the folder {folder.parent}") from error
    if not os.access(folder.parent, os.W_OK):
        raise InputError(f"Cannot write to {folder.parent}: set {ADAPTERS_VARIABLE} to a folder of yours.")
    return folder


def remove_adapter(name: str) -> Path:
    """Delete an adapter of the user's; the folder that is gone."""
    info = adapter_info(name)
    if not info.own:
        raise InputError(f"The adapter {name} comes with diffstyle: it stays.")
    try:
        shutil.rmtree(info.folder)
    except OSError as error:
        raise explain(error, f"remove {info.folder}") from error
    return info.folder


def _unknown(what: str, name: str, names: list[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else otherwise
    return f"There is no {what} called {name!r}: {hint}"

"""Named styles and style adapters: those that ship, and the user's own."""

from __future__ import annotations

import difflib
import json
import os
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffstyle.assets.manifest import data_folder, read_toml, weights_folder
from diffstyle.assets.own_folders import new_folder
from diffstyle.core.errors import InputError, explain
from diffstyle.core.style import Style
from diffstyle.formats.atomic import sha256
from diffstyle.formats.style_file import SUFFIX
from diffstyle.formats.style_files import load

ADAPTERS_VARIABLE = "DIFFSTYLE_ADAPTERS"
INFO, TENSORS, LOOK, CARD = "adapter.toml", "adapter.safetensors", f"style{SUFFIX}", "CARD.md"
PICTURES = "pictures"  # the kind of a personal style without weights: its style file holds all that it paints with


def style_files() -> dict[str, Path]:
    """The file of each named style, in alphabetical order."""
    folder = weights_folder() / "starter" / "styles"
    return {p.name.removesuffix(SUFFIX): p for p in sorted(folder.glob(f"*{SUFFIX}"))}


def example_photo() -> Path:
    """The photo that the thumbnails of the named styles are painted from."""
    return weights_folder() / "starter" / "styles" / "content.jpg"


def named_style(name: str) -> Style:
    """The style called `name`; InputError with the most similar names if there is none."""
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
    """The values of the adapter.toml in `folder`. `own`: it was made by the user and does not ship."""

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
    def has_weights(self) -> bool:
        """Whether an engine has to load it, or its style file is all there is."""
        return self.kind != PICTURES

    @property
    def file(self) -> Path:
        """Its weights, or the style file of one that has none; `sha256` is that of this file."""
        return self.folder / (TENSORS if self.has_weights else LOOK)

    @property
    def look(self) -> Path | None:
        """The style file of a personal adapter, None for one that paints any style."""
        path = self.folder / LOOK
        return path if path.is_file() else None


def adapters_folder() -> Path:
    """The folder of the user's own adapters: $DIFFSTYLE_ADAPTERS, or one in the user's data folder."""
    data = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "diffstyle" / "adapters"
    return Path(os.environ.get(ADAPTERS_VARIABLE) or data).expanduser()


def adapter_folders() -> dict[str, Path]:
    """The folder of each style adapter by name, in alphabetical order; one that ships hides the user's of that name."""
    homes = [adapters_folder(), data_folder("adapters")]
    return dict(sorted((p.parent.name, p.parent) for home in homes for p in home.glob(f"[!.]*/{INFO}")))


def adapter_info(name: str) -> AdapterInfo:
    """The adapter called `name`; InputError if there is none, with similar names, or if its adapter.toml is damaged."""
    folders = adapter_folders()
    if name not in folders:
        raise InputError(_unknown("adapter", name, list(folders), "`diffstyle adapters list` names them."))
    folder = folders[name]
    values: dict[str, Any] = read_toml(folder / INFO)
    known = {k: str(values.get(k, "")) for k in ("kind", "backbone", "sha256", "source", "space", "licence")}
    needed = ("kind", "sha256") if known["kind"] == PICTURES else ("kind", "backbone", "sha256")
    if not all(known[k] for k in needed):
        raise InputError(f"Cannot use {folder / INFO}: {', '.join(needed)} must be given; make it again.")
    return AdapterInfo(folder, name, own=folder.parent == adapters_folder(), **known)


def adapter_file(name: str) -> Path:
    """The file of the adapter called `name`; InputError if its sha256 is not that in adapter.toml."""
    info = adapter_info(name)
    if not info.file.is_file() or sha256(info.file) != info.sha256:
        again = "make it again" if info.own else "install diffstyle again"
        raise InputError(f"The adapter {info.file} is missing or damaged: {again}.")
    return info.file


def adapter_style(name: str) -> Style:
    """The style of the personal adapter called `name`; it references the adapter, if that has weights to load."""
    look = adapter_info(name).look
    if look is None:
        raise InputError(f"The adapter {name} paints any style: name it with --adapter, and the style with --style.")
    return load(look)


def check_new(name: str, *, overwrite: bool) -> Path:
    """The folder for a new adapter of the user; InputError if the name is not valid, is taken, or cannot be written."""
    home = adapters_folder()
    taken = tuple(other for other, folder in adapter_folders().items() if folder.parent != home)
    return new_folder(home, name, what="adapter", taken=taken, variable=ADAPTERS_VARIABLE, overwrite=overwrite)


@contextmanager
def replacing(folder: Path) -> Generator[Path, None, None]:
    """An empty folder to write an adapter into, which takes the place of `folder` when nothing was raised."""
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        yield partial
        if folder.exists():
            shutil.rmtree(folder)
        partial.chmod(0o755)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_info(folder: Path, values: Mapping[str, str]) -> None:
    """Write the adapter.toml of a folder that `replacing` gave."""
    (folder / INFO).write_text(toml_lines(values), "utf-8")


def toml_lines(values: Mapping[str, str]) -> str:
    return "".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items())


def remove_adapter(name: str) -> Path:
    """Delete an adapter of the user and return the folder that it had."""
    info = adapter_info(name)
    if not info.own:
        raise InputError(f"The adapter {name} comes with diffstyle: it cannot be removed.")
    try:
        shutil.rmtree(info.folder)
    except OSError as error:
        raise explain(error, f"remove {info.folder}") from error
    return info.folder


def _unknown(what: str, name: str, names: list[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else otherwise
    return f"There is no {what} called {name!r}: {hint}"

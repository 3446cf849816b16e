"""The weights that ship: where they are, verified against the sha256 in their manifest."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diffstyle.core.errors import InputError, explain
from diffstyle.formats.atomic import sha256
from diffstyle.formats.safetensors import read_safetensors

if TYPE_CHECKING:
    from torch import Tensor

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

WEIGHTS_VARIABLE = "DIFFSTYLE_WEIGHTS"


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One entry of `weights/manifest.toml`. `name` is the path below the weights folder."""

    name: str
    sha256: str
    size: int
    source: str
    revision: str
    licence: str


def data_folder(name: str) -> Path:
    """The folder `adapters` or `weights`: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parent.parent
    packed = package / f"_{name}"
    return packed if packed.is_dir() else package.parent / name


def weights_folder() -> Path:
    """The folder that holds manifest.toml: $DIFFSTYLE_WEIGHTS, or the weights that ship."""
    return Path(os.environ.get(WEIGHTS_VARIABLE) or data_folder("weights"))


def read_manifest(folder: Path) -> dict[str, Any]:
    """The parsed `manifest.toml` of `folder`, parsed again when the file changes. Callers must not change it."""
    path = folder / "manifest.toml"
    try:
        stat = path.stat()
    except OSError as error:
        raise explain(error, f"read {path}") from error
    return _parsed(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _parsed(path: Path, _modified: int, _size: int) -> dict[str, Any]:
    return read_toml(path)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file that belongs to the installation; InputError if it is missing or damaged."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise explain(error, f"read {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"Cannot use {path}: it is not valid TOML, install diffstyle again.") from error


def manifest(folder: Path | None = None) -> dict[str, WeightsFile]:
    """Every weights file in the manifest of `folder`, by default the one that ships, by name."""
    folder = folder or weights_folder()
    try:
        entries = [WeightsFile(**entry) for entry in read_manifest(folder)["file"]]
    except (KeyError, TypeError) as error:
        path = folder / "manifest.toml"
        raise InputError(f"Cannot use {path}: an entry is not complete, install diffstyle again.") from error
    return {entry.name: entry for entry in entries}


def verified(name: str) -> tuple[Path, str]:
    """Path and sha256 of the weights file `name`; InputError unless it is as the manifest says."""
    folder = weights_folder()
    entry = manifest(folder).get(name)
    if entry is None:
        raise InputError(f"{folder / 'manifest.toml'} has no entry {name!r}: install diffstyle again.")
    path = folder / name
    if not path.is_file():
        raise InputError(f"The weights file {path} is missing: install diffstyle again.")
    stat = path.stat()
    if stat.st_size != entry.size or _sha256(path, stat.st_mtime_ns, stat.st_size) != entry.sha256:
        raise InputError(f"The weights file {path} is damaged: its sha256 is not the manifest's, install it again.")
    return path, entry.sha256


def verified_folder(name: str) -> Path:
    """The folder `name` of weights; InputError unless all its files in the manifest are as it says."""
    names = [n for n in manifest() if n.startswith(f"{name}/")]
    if not names:
        raise InputError(f"{weights_folder() / 'manifest.toml'} has no entry {name!r}: install diffstyle again.")
    for entry in names:
        verified(entry)
    return weights_folder() / name


def load_weights(name: str) -> tuple[dict[str, Tensor], str]:
    """Tensors and sha256 of the weights file `name`, verified."""
    path, digest = verified(name)
    return read_safetensors(path)[1], digest


@lru_cache(maxsize=64)
def _sha256(path: Path, _modified: int, _size: int) -> str:
    return sha256(path)

"""Public models, most of them on the Hugging Face hub: found in the local cache, downloaded on request, verified."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast

from diffstyle.assets.manifest import read_manifest, weights_folder
from diffstyle.core.errors import InputError
from diffstyle.formats.atomic import sha256

STARTER = "starter"
ModelKind = Literal[
    "backbone", "controlnet", "depth", "ip-adapter", "encoder", "features", "flow", "lora", "segmentation", "vae"
]
_NONE: Mapping[str, str] = MappingProxyType({})
_OF_TORCH = re.compile(r"-([0-9a-f]{8})\.pth")  # how the sha256 of such a file begins


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One [[model]] of `weights/manifest.toml`.

    `files` are names or patterns in the hub's `repository` at `revision`, `sha256` the digests of some of them. With a
    `url` they are files below that address, which torch's cache of downloads keeps, where torchvision looks too.
    `size` is their total in bytes, approximately; `memory` the measured peak of a render in bytes, 0 if unknown.
    `conditioning` is the input of a ControlNet, `encoder` the model whose embeddings an IP-Adapter reads;
    `scheduler`, `steps` and `guidance` are those that a few-step LoRA was trained for.
    """

    name: str
    kind: ModelKind
    repository: str
    revision: str
    files: tuple[str, ...]
    size: int
    licence: str
    family: str = ""
    variant: str = ""
    conditioning: str = ""
    encoder: str = ""
    scheduler: str = ""
    steps: int = 0
    guidance: float = 0.0
    memory: int = 0
    url: str = ""
    sha256: Mapping[str, str] = field(default_factory=lambda: _NONE)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", tuple(self.files))
        object.__setattr__(self, "sha256", MappingProxyType(dict(self.sha256)))


def known_models(folder: Path | None = None) -> dict[str, KnownModel]:
    """Every model in the manifest of `folder`, by default that of the weights that ship, by name."""
    folder = folder or weights_folder()
    entries = cast("list[dict[str, Any]]", read_manifest(folder).get("model", []))
    try:
        models = [KnownModel(**entry) for entry in entries]
    except TypeError as error:
        raise InputError(f"Cannot use {folder / 'manifest.toml'}: an entry is not complete, install again.") from error
    return {m.name: m for m in models}


def starter_memory() -> int:
    """The measured peak memory of a render with the starter, in bytes."""
    return int(read_manifest(weights_folder())["starter"]["memory"])


def starter_adapters() -> tuple[str, ...]:
    """The names of the style adapters that the starter's diffusion model is used with: the pooled one first."""
    return tuple(read_manifest(weights_folder())["starter"]["adapters"])


def default_engine(model: str) -> str:
    """The name of the engine that paints with a model when nobody says which."""
    table = "starter" if model == STARTER else "checkpoints"
    folder = weights_folder()
    try:
        return str(read_manifest(folder)[table]["default_engine"])
    except (KeyError, TypeError) as error:
        raise InputError(f"Cannot use {folder / 'manifest.toml'}: {table} names no engine, install again.") from error


def known_model(name: str) -> KnownModel:
    """The model called `name`; InputError with the most similar names if there is none."""
    models = known_models()
    if name not in models:
        near = difflib.get_close_matches(name, models, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "`diffstyle models list` names them."
        raise InputError(f"There is no model called {name!r}: {hint}")
    return models[name]


def where(model: KnownModel) -> Path | None:
    """The folder of a model in the local cache, or None unless all its files are there. Downloads nothing."""
    folder = _folder(model)
    return folder if folder is not None and not missing(model, folder) else None


def _folder(model: KnownModel) -> Path | None:
    """The folder of a model, complete or not, or None."""
    return _downloads() if model.url else snapshot_of(model.repository, model.revision)


def _downloads() -> Path:
    """torch's cache of downloads, as torch.hub.get_dir finds it; importing torch takes seconds."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser() / "hub" / "checkpoints"


def snapshot_of(repository: str, revision: str = "main") -> Path | None:
    """The folder of a hub repository at `revision` in the local cache, complete or not, or None."""
    import huggingface_hub as hub
    from huggingface_hub import errors

    download = cast("Any", hub).snapshot_download
    try:
        return Path(download(repository, revision=revision, local_files_only=True))
    except errors.HFValidationError:  # a name that no repository can have
        return None
    except errors.LocalEntryNotFoundError as error:
        partial: str | None = getattr(error, "snapshot_path", None)  # huggingface_hub 2: some of its files are missing
        return None if partial is None else Path(partial)


def missing(model: KnownModel, folder: Path) -> list[str]:
    """The names or patterns of the model's files that nothing in `folder` matches."""
    there = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]
    return [pattern for pattern in model.files if not any(fnmatch(name, pattern) for name in there)]


def located(model: KnownModel) -> Path:
    """The folder of a model; InputError with the command that fetches it unless it is complete in the cache."""
    from huggingface_hub import constants

    snapshot = _folder(model)
    lacking = missing(model, snapshot) if snapshot is not None else []
    if snapshot is not None and not lacking:
        return snapshot
    partly = bool(lacking) and not model.url
    cache = _downloads() if model.url else constants.HF_HUB_CACHE
    half = f"only in part ({', '.join(lacking)} missing)" if partly else f"not in {cache}"
    raise InputError(
        f"The model {model.name} is {half}: `diffstyle models pull {model.name}` fetches it"
        f" ({size_text(model.size)}, licence: {model.licence})."
    )


def pull(model: KnownModel) -> Path:
    """Download a model into the Hugging Face cache, or torch's, and verify it; damaged files are downloaded once more.

    InputError if the network, the repository or the files fail.
    """
    folder = _download(model, force=False)
    if verify(model, folder):
        folder = _download(model, force=True)
    if lacking := missing(model, folder):
        raise InputError(f"{model.repository} no longer holds {', '.join(lacking)}: report this line as an issue.")
    if damaged := verify(model, folder):
        raise InputError(
            f"{model.name} was damaged in two downloads ({', '.join(damaged)}): try again on another network."
        )
    return folder


def _download(model: KnownModel, *, force: bool) -> Path:
    try:
        if model.url:
            return _from_address(model, force=force)
        import huggingface_hub as hub

        download = cast("Any", hub).snapshot_download
        found = download(
            model.repository, revision=model.revision, allow_patterns=list(model.files), force_download=force
        )
    except Exception as error:  # the hub's client raises a dozen kinds
        source = model.url or model.repository
        raise InputError(
            f"Cannot download {model.name} from {source}: check the network and the model's terms, then try again;"
            " downloaded files are kept."
        ) from error
    return Path(found)


def _from_address(model: KnownModel, *, force: bool) -> Path:
    import torch

    folder = _downloads()
    folder.mkdir(parents=True, exist_ok=True)
    for name in model.files:
        if force or not (folder / name).is_file():
            torch.hub.download_url_to_file(f"{model.url}/{name}", str(folder / name), progress=False)
    return folder


def verify(model: KnownModel, folder: Path) -> list[str]:
    """The files in `folder` whose sha256 differs from the manifest's or, without an entry there, from the one that the
    cache or the name of the file says.
    """
    damaged: list[str] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        blob = path.resolve().name  # the cache names the blobs of large files by their sha256
        named = _OF_TORCH.search(name) if model.url else None
        expected = named[1] if named else model.sha256.get(name, blob if len(blob) == 64 else "")
        listed = any(fnmatch(name, pattern) for pattern in model.files)
        if expected and listed and not sha256(path).startswith(expected):
            damaged.append(name)
    return damaged


def size_text(size: int) -> str:
    """Bytes as text: 2.1 GB, 340 MB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"

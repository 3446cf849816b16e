"""The models of others that diffstyle knows: where they are on this machine, fetched only when asked, and checked."""

from __future__ import annotations

import difflib
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
ModelKind = Literal["backbone", "controlnet", "depth", "ip-adapter", "encoder", "lora", "segmentation", "vae"]
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class KnownModel:
    """One [[model]] of `weights/manifest.toml`.

    `files` are names or patterns in the hub's `repository` at `revision`; `sha256` is that of some of them; `size` is
    about how many bytes they have, `memory` the most that painting was measured to take, 0 if it was not.
    `conditioning` is what a ControlNet takes; `encoder` names the model that an IP-Adapter reads embeddings of;
    `scheduler`, `steps` and `guidance` are what a few-step LoRA was made for.
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
    sha256: Mapping[str, str] = field(default_factory=lambda: _NONE)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", tuple(self.files))
        object.__setattr__(self, "sha256", MappingProxyType(dict(self.sha256)))


def known_models(folder: Path | None = None) -> dict[str, KnownModel]:
    """Every model we know, by name."""
    folder = folder or weights_folder()
    entries = cast("list[dict[str, Any]]", read_manifest(folder).get("model", []))
    try:
        models = [KnownModel(**entry) for entry in entries]
    except TypeError as error:
        raise InputError(f"Cannot use {folder / 'manifest.toml'}: an entry is not complete, install again.") from error
    return {m.name: m for m in models}


def starter_memory() -> int:
    """The most bytes that painting with the starter was measured to take."""
    return int(read_manifest(weights_folder())["starter"]["memory"])


def default_engine(model: str) -> str:
    """The name of the engine that paints with a model when nobody says which."""
    table = "starter" if model == STARTER else "checkpoints"
    folder = weights_folder()
    try:
        return str(read_manifest(folder)[table]["default_engine"])
    except (KeyError, TypeError) as error:
        raise InputError(f"Cannot use {folder / 'manifest.toml'}: {table} names no engine, install again.") from error


def known_model(name: str) -> KnownModel:
    """The model called `name`; InputError names the nearest ones if there is none."""
    models = known_models()
    if name not in models:
        near = difflib.get_close_matches(name, models, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else "`diffstyle models list` names them."
        raise InputError(f"There is no model called {name!r}: {hint}")
    return models[name]


def where(model: KnownModel) -> Path | None:
    """The folder of a model in the Hugging Face cache, if every file of it is there; nothing is downloaded."""
    snapshot = snapshot_of(model.repository, model.revision)
    return snapshot if snapshot is not None and not missing(model, snapshot) else None


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
    """What of the model's files is not in `folder`."""
    there = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]
    return [pattern for pattern in model.files if not any(fnmatch(name, pattern) for name in there)]


def located(model: KnownModel) -> Path:
    """The folder of a model, or an InputError that says where it was looked for and what fetches it."""
    from huggingface_hub import constants

    snapshot = snapshot_of(model.repository, model.revision)
    lacking = missing(model, snapshot) if snapshot is not None else []
    if snapshot is not None and not lacking:
        return snapshot
    half = f"only in part ({', '.join(lacking)} missing)" if lacking else f"not in {constants.HF_HUB_CACHE}"
    raise InputError(
        f"The model {model.name} is {half}: `diffstyle models pull {model.name}` fetches it"
        f" ({size_text(model.size)}, licence: {model.licence})."
    )


def pull(model: KnownModel) -> Path:
    """Download a model into the Hugging Face cache and check it; what is damaged there is fetched anew."""
    folder = _download(model, anew=False)
    if verify(model, folder):
        folder = _download(model, anew=True)
    if lacking := missing(model, folder):
        raise InputError(f"{model.repository} does not hold {', '.join(lacking)} any more: tell us, with this line.")
    if damaged := verify(model, folder):
        raise InputError(f"{model.name} came damaged twice ({', '.join(damaged)}): try again on another network.")
    return folder


def _download(model: KnownModel, *, anew: bool) -> Path:
    import huggingface_hub as hub

    download = cast("Any", hub).snapshot_download
    try:
        found = download(
            model.repository, revision=model.revision, allow_patterns=list(model.files), force_download=anew
        )
    except Exception as error:  # the hub's client names a dozen kinds
        raise InputError(
            f"Cannot download {model.name} from {model.repository}: check the network and the model's terms, then try"
            " again; what has come is kept."
        ) from error
    return Path(found)


def verify(model: KnownModel, folder: Path) -> list[str]:
    """The files in `folder` whose sha256 is not what the manifest, or else the hub's cache, says."""
    damaged: list[str] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = str(path.relative_to(folder))
        blob = path.resolve().name  # of large files, the cache names its blobs by their sha256
        expected = model.sha256.get(name, blob if len(blob) == 64 else "")
        listed = any(fnmatch(name, pattern) for pattern in model.files)
        if expected and listed and sha256(path) != expected:
            damaged.append(name)
    return damaged


def size_text(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"

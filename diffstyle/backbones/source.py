"""Finds diffusion models: by known name, as a diffusers folder or a single file, or by hub id in the local cache."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from diffstyle.assets.hub import KnownModel, known_models, located, snapshot_of
from diffstyle.backbones.recognise import Kind, expect
from diffstyle.core.errors import InputError, explain

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
INDEX = "model_index.json"
_VOCABULARY = (("tokenizer.json",), ("vocab.json", "merges.txt"))
"""A tokenizer needs the files of one of these; without any, transformers silently makes an empty one."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file or folder at `path`; `known` is its manifest entry if it was found by a known name."""

    path: Path
    known: KnownModel | None = None

    @property
    def variant(self) -> str | None:
        """The variant of a known model's files, such as fp16."""
        return (self.known.variant or None) if self.known else None


def find(name: str | Path, what: str) -> Source:
    """The file or folder called `name`; InputError if it is not on this machine. Downloads nothing.

    `name` is one of `diffstyle models list`, a path, or a hub id (owner/name) whose snapshot is in the cache. `what` is
    what error messages call it.
    """
    text = str(name)
    known = known_models().get(text)
    if known is not None:
        folder = located(known)
        whole = len(known.files) > 1
        return Source(folder if whole else folder / known.files[0], known)
    path = Path(text).expanduser()
    if path.exists():
        return Source(path)
    if _HUB_ID.fullmatch(text) and path.suffix not in (".safetensors", ".ckpt", ".bin", ".pt"):
        snapshot = snapshot_of(text)
        if snapshot is not None:
            return Source(snapshot)
        raise InputError(
            f"There is no {what} {text}: it is neither a path nor in the Hugging Face cache; `hf download {text}`"
            " fetches it."
        )
    raise InputError(f"There is no {what} {text!r}: give a path, a hub id, or a name of `diffstyle models list`.")


def weights_file(source: Source, kind: Kind, what: str) -> Path:
    """The safetensors file at `source`, or the only one in that folder; InputError unless it is of `kind`."""
    if source.path.is_file():
        expect(source.path, kind, what)
        return source.path
    found = sorted(source.path.glob("*.safetensors"))
    if len(found) != 1:
        held = "no safetensors file" if not found else f"{len(found)} safetensors files, name one"
        raise InputError(f"Cannot use {source.path} as {what}: the folder holds {held}.")
    expect(found[0], kind, what)
    return found[0]


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a model; InputError if it is missing or damaged."""
    try:
        values: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise explain(error, f"read {path}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"Cannot use {path}: it is not valid JSON, fetch it again.") from error
    if not isinstance(values, dict):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"Cannot use {path}: it holds no JSON object, fetch it again.")
    return values


def check_folder(folder: Path, variant: str | None = None) -> dict[str, Any]:
    """The index of a diffusers folder; InputError if a part that it names is missing, pickled or needs foreign code."""
    if not (folder / INDEX).is_file():
        raise InputError(f"Cannot use {folder}: a diffusers folder holds {INDEX}; a single file ends in .safetensors.")
    index = read_json(folder / INDEX)
    for name, entry in index.items():
        if name.startswith("_") or not isinstance(entry, list) or entry[:1] == [None] or name in OPTIONAL:  # pyright: ignore[reportUnknownMemberType]
            continue
        library = str(cast("list[Any]", entry)[0])
        if library not in ("diffusers", "transformers"):
            raise InputError(f"Cannot use {folder}: its part {name} needs code of {library}, which is not run.")
        part = folder / name
        if not part.is_dir():
            raise InputError(f"Cannot use {folder}: its part {name} is missing, fetch the model again.")
        if name.startswith(("unet", "vae", "text_encoder", "controlnet")) and not weights_of(part, variant):
            pickled = any(part.glob("*.bin"))
            reason = "a pickle, which can run any code it holds" if pickled else "without weights"
            raise InputError(f"Cannot use {folder}: its part {name} is {reason}, fetch it as safetensors.")
        if name.startswith("tokenizer") and not any(all((part / f).is_file() for f in whole) for whole in _VOCABULARY):
            raise InputError(f"Cannot use {folder}: its part {name} is without a vocabulary, fetch the model again.")
    return index


OPTIONAL = ("safety_checker", "feature_extractor", "image_encoder")


def weights_of(part: Path, variant: str | None) -> list[Path]:
    """The safetensors files of a part of a model, all or those of `variant`."""
    return sorted(part.glob(f"*.{variant}*.safetensors" if variant else "*.safetensors"))


def variant_of(folder: Path) -> str | None:
    """`fp16` if the UNet's weights are there in that variant only, else None."""
    plain = [p for p in (folder / "unet").glob("*.safetensors") if ".fp16" not in p.name]
    half = list((folder / "unet").glob("*.fp16*.safetensors"))
    return "fp16" if half and not plain else None

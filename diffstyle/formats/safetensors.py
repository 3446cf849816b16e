"""safetensors files, and what is wrong with them in a sentence. Nothing here can run code from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from diffstyle.core.errors import InputError, explain
from diffstyle.formats.atomic import write_atomic

if TYPE_CHECKING:
    from torch import Tensor

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")  # pickle protocols, torch.save's zip


def read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a safetensors file; InputError for a pickle, a truncated or a foreign file."""
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    _refuse_pickles(path)
    try:
        with safe_open(path, "pt") as file:  # pyright: ignore[reportUnknownVariableType]
            metadata = cast("dict[str, str] | None", file.metadata())
        return metadata or {}, load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"Cannot use {path}: it is not a whole safetensors file, fetch it again.") from error


def write_safetensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole or not at all."""
    from safetensors.torch import save

    data = save({k: v.contiguous() for k, v in tensors.items()}, metadata)
    write_atomic(path, lambda file: file.write(data))


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in a safetensors file, from its header alone."""
    from safetensors import SafetensorError, safe_open

    _refuse_pickles(path)
    try:
        with safe_open(path, "pt") as file:  # pyright: ignore[reportUnknownVariableType]
            opened = cast("Any", file)
            return {str(k): tuple(opened.get_slice(k).get_shape()) for k in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"Cannot use {path}: it is not a whole safetensors file, fetch it again.") from error


def _refuse_pickles(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise explain(error, f"read {path}") from error
    if head.startswith(_PICKLES):
        raise InputError(
            f"Cannot use {path}: it is a pickle, which can run any code it holds; convert it to safetensors first."
        )

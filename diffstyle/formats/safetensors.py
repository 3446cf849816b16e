"""Tensors in files: safetensors, and pickles of plain tensors. No code from a file can run here."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from diffstyle.core.errors import InputError, explain
from diffstyle.core.user_path import check_regular
from diffstyle.formats.atomic import write_atomic

if TYPE_CHECKING:
    from torch import Tensor

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")  # pickle protocols, torch.save's zip


def read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a safetensors file; InputError if it is a pickle, truncated or of another format."""
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]

    _refuse_pickles(path)
    try:
        with safe_open(path, "pt") as file:  # pyright: ignore[reportUnknownVariableType]
            metadata = cast("dict[str, str] | None", file.metadata())
        return metadata or {}, load_file(path)
    except (SafetensorError, OSError) as error:
        raise _damaged(path) from error


def write_safetensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file atomically: either the whole file is written or nothing changes."""
    from safetensors.torch import save

    data = save({k: v.contiguous() for k, v in tensors.items()}, metadata)
    write_atomic(path, lambda file: file.write(data))


def read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors in a safetensors file; only its header is read."""
    from safetensors import SafetensorError, safe_open

    _refuse_pickles(path)
    try:
        with safe_open(path, "pt") as file:  # pyright: ignore[reportUnknownVariableType]
            opened = cast("Any", file)
            return {str(k): tuple(opened.get_slice(k).get_shape()) for k in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _damaged(path) from error


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata in the header of a safetensors file; only the header is read."""
    from safetensors import SafetensorError, safe_open

    _refuse_pickles(path)
    try:
        with safe_open(path, "pt") as file:  # pyright: ignore[reportUnknownVariableType]
            return cast("dict[str, str] | None", file.metadata()) or {}
    except (SafetensorError, OSError) as error:
        raise _damaged(path) from error


def read_pickle(path: Path, *, what: str = "a checkpoint of plain tensors", mmap: bool = False) -> object:
    """What `torch.save` wrote, on the CPU, read with `weights_only=True`.

    InputError if it holds anything but tensors, numbers and containers of them; the message says it is not `what`.
    """
    import torch

    try:
        check_regular(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles in an unusual protocol; the error says what there is to say
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except InputError:
        raise
    except OSError as error:
        raise explain(error, f"read {path}") from error
    except Exception as error:  # torch raises a dozen kinds
        raise InputError(f"Cannot use {path}: it is not {what}.") from error


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, safetensors or pickle, by name.

    The tensors of a pickle may be nested under `state_dict`; the prefix `module.` is removed.
    """
    import torch

    if path.suffix == ".safetensors":
        return read_safetensors(path)[1]
    loaded = read_pickle(path, mmap=True)
    named = cast("dict[str, Any]", loaded) if isinstance(loaded, dict) else {}
    state = cast("dict[str, Any]", named.get("state_dict", named))
    return {k.removeprefix("module."): v for k, v in state.items() if torch.is_tensor(v)}


def _refuse_pickles(path: Path) -> None:
    try:
        check_regular(path)
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise explain(error, f"read {path}") from error
    length, opening = int.from_bytes(head[:8], "little"), head[8:]
    if opening == b"{" and length <= path.stat().st_size - 8:
        return  # a header of safetensors, whose length may begin with the bytes of a pickle
    if head.startswith(_PICKLES):
        raise InputError(
            f"Cannot use {path}: it is a pickle, which can run any code it holds; convert it to safetensors first."
        )


def _damaged(path: Path) -> InputError:
    return InputError(f"Cannot use {path}: it is not a whole safetensors file, fetch it again.")


def digest_of_tensors(tensors: Mapping[str, Tensor], *more: str) -> str:
    """The sha256 of names, shapes and values of tensors, in any order, and of `more`."""
    found = hashlib.sha256("\n".join(more).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tuple(tensor.shape)}".encode())
        found.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()

"""Converted networks, kept in the cache folder: converting takes seconds, opening a file does not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import torch

from diffstyle._version import __version__
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Runtime
from diffstyle.formats.atomic import cache_folder, write_atomic
from diffstyle.runtimes.exportable import OPSET, Exportable
from diffstyle.runtimes.sessions import Session, open_session

FOLDER = "runtimes"


def cached_file(name: str, digest: str) -> Path:
    """Where the ONNX file of a network called `name` with weights of sha256 `digest` is kept, by this version."""
    made_by = hashlib.sha256(f"{__version__} {torch.__version__} {OPSET} {digest}".encode()).hexdigest()
    return cache_folder() / FOLDER / f"{name}-{made_by[:24]}.onnx"


def session_of(
    exportable: Callable[[], Exportable],
    name: str,
    digest: str,
    *,
    runtime: Runtime,
    device: torch.device,
    dtype: torch.dtype,
) -> Session:
    """The network that `exportable()` gives, whose name and digest are given, ready to run.

    It is converted and compared with torch the first time, and again if its file in the cache is damaged. The cache
    folder may be read-only: then it is converted in every process.
    """
    path = cached_file(name, digest)
    try:
        return open_session(path.read_bytes(), runtime, device=device, dtype=dtype)
    except (OSError, InputError):
        pass
    from diffstyle.runtimes.conversion import checked, to_onnx  # torch.export takes a second to import

    made = exportable()
    model: bytes = to_onnx(made).SerializeToString()
    checked(made, open_session(model, runtime, device=torch.device("cpu"), dtype=torch.float32))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, lambda file: file.write(model))
    except (OSError, InputError):  # a full or read-only disk costs time, not the picture
        pass
    return open_session(model, runtime, device=device, dtype=dtype)

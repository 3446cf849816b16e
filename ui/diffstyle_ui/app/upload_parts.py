"""Files that Gradio writes while it reads an upload: it leaves them on the disk if the upload breaks off."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from gradio import route_utils

_parts: ContextVar[list[Path] | None] = ContextVar("parts", default=None)


@contextmanager
def temporary_parts() -> Generator[None, None, None]:
    """Delete what Gradio writes inside, in this task, and does not move to where uploads are kept."""
    own: list[Path] = []
    token = _parts.set(own)
    try:
        yield
    finally:
        _parts.reset(token)
        for path in own:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def watch_parts() -> None:
    """Note the temporary files of Gradio's parser from now on."""
    setattr(route_utils, "NamedTemporaryFile", _noted_file)  # noqa: B010 - pyright knows no such export


def _noted_file(*values: Any, **named: Any) -> Any:
    make: Any = tempfile.NamedTemporaryFile  # the parser closes it
    file, parts = make(*values, **named), _parts.get()
    if parts is not None:
        parts.append(Path(file.name))
    return file

"""Importing Gradio quickly: it writes type stubs beside its own files each time it is imported, which takes seconds."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_WRITER, _FUNCTION = "gradio.component_meta", "create_or_modify_pyi"


class _WithoutStubs(SourceFileLoader):
    """Loads the module that writes the stubs, and leaves that out."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        setattr(module, _FUNCTION, _nothing)


class _Finder(MetaPathFinder):
    """Finds that module for `_WithoutStubs`, and no other."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = PathFinder.find_spec(fullname, path, target) if fullname == _WRITER else None
        if found is not None and isinstance(found.loader, SourceFileLoader):
            found.loader = _WithoutStubs(found.name, found.loader.path)
        return found


@contextmanager
def without_stubs() -> Generator[None, None, None]:
    """Import Gradio inside it: no stub is written, then or later in this process."""
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def _nothing(*_: Any) -> None:
    """In place of the function that writes a stub."""

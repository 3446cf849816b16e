"""Attributes of a network replaced for a while."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(holder: Any, name: str, value: Any) -> Generator[None, None, None]:
    """An attribute for a while; one that the class alone had is the class's again."""
    own: dict[str, Any] = holder.__dict__
    had, old = name in own, own.get(name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        if had:
            setattr(holder, name, old)
        else:
            delattr(holder, name)

"""Libraries whose Python classes are made while they are imported."""

from typing import Any


def __getattr__(name: str) -> Any:
    raise AttributeError(name)

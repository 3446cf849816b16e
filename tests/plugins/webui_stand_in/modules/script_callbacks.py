"""What scripts ask to be called for."""

from __future__ import annotations

from collections.abc import Callable

callbacks: list[Callable[[], None]] = []


def on_ui_settings(callback: Callable[[], None], *, name: str | None = None) -> None:
    """Call it when the settings are made."""
    del name
    callbacks.append(callback)

"""Saving pictures."""

from __future__ import annotations

from typing import Any

saved: list[tuple[Any, ...]] = []


def save_image(
    image: Any,
    path: str,
    basename: str,
    seed: int | None = None,
    prompt: str | None = None,
    extension: str = "png",
    info: str | None = None,
    p: Any = None,
) -> None:
    """Note what would be saved."""
    del p
    saved.append((image, path, basename, seed, prompt, extension, info))

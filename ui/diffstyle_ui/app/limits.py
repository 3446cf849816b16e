"""What one visitor may ask of the server."""

from __future__ import annotations

from dataclasses import dataclass

from diffstyle import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that is taken: pixels of a picture, megabytes of an upload, requests that wait; and whether visitors may
    train adapters, which everyone who uses this server then sees.
    """

    max_pixels: int = 50_000_000
    max_upload_mb: int = 50
    queue_size: int = 64
    training: bool = True

    def __post_init__(self) -> None:
        for name in ("max_pixels", "max_upload_mb", "queue_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}: give a whole number of 1 or more.")

"""What one request may ask of a server."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture, fitted
from diffstyle.core.settings import Settings
from diffstyle.core.task import Task
from diffstyle.formats.budget import Budget

MASKS, REFERENCES, REGIONS, CHARACTERS, TENSOR_BYTES = 2, 32, 8, 2**24, 2**24
STROKE_SIDE = 512  # longest side at which strokes of size 1 are painted


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What one request may ask of a server.

    `max_pixels` of a picture, read or painted, `max_upload_mb` of a file, `max_seconds` of one render, and `queue_size`
    requests that wait. Raises InputError for a number below 1.
    """

    max_pixels: int = 50_000_000
    max_upload_mb: int = 50
    max_seconds: int = 600
    queue_size: int = 64

    def __post_init__(self) -> None:
        for info in fields(self):
            if getattr(self, info.name) < 1 and not isinstance(getattr(self, info.name), bool):
                raise InputError(f"{info.name} is {getattr(self, info.name)}: give a whole number of 1 or more.")

    @property
    def recipes(self) -> Budget:
        """What a recipe in an upload may hold."""
        return Budget(
            characters=CHARACTERS,
            references=REFERENCES,
            regions=REGIONS,
            mask_pixels=MASKS * self.max_pixels,
            tensor_bytes=TENSOR_BYTES,
        )

    def check_task(self, task: Task) -> Task:
        """`task` itself; InputError if it would paint more than `max_pixels`."""
        self.check_settings(Picture.of(task.content).size, task)
        return task

    def check_settings(self, size: tuple[int, int], settings: Settings) -> None:
        """InputError if a picture of `size` (width, height) painted with `settings` would be more than `max_pixels`."""
        self._check_size(size, settings)
        if settings.stroke is not None:
            self._check_size(fitted(size, max(1, round(STROKE_SIDE / settings.stroke))), None)

    def least_stroke(self, size: tuple[int, int]) -> float:
        """The smallest `stroke`, to two digits, whose painting of a picture of `size` stays within `max_pixels`."""
        longest = max(size) * math.sqrt(self.max_pixels / (size[0] * size[1]))
        return math.ceil(100 * STROKE_SIDE / max(1.0, longest - 1)) / 100  # less one: sides are rounded

    def _check_size(self, size: tuple[int, int], settings: Settings | None) -> None:
        if settings is not None and settings.size is not None:
            size = fitted(size, settings.size)
        if size[0] * size[1] > self.max_pixels:
            raise InputError(
                f"That would be {size[0]}x{size[1]} pixels: this server paints at most {self.max_pixels / 1e6:g}"
                " million."
            )

    def too_slow(self) -> InputError:
        """What there is to say of a render that took too long."""
        return InputError(
            f"The render was stopped after {self.max_seconds} seconds, as long as this server allows: give a smaller"
            " size, fewer steps or another engine."
        )

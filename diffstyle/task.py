"""What to render and what came of it. Every default is declared here and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from diffstyle.errors import InputError

if TYPE_CHECKING:
    from diffstyle.picture import Picture
    from diffstyle.style import Style

EngineName = Literal["adain"]
MAX_SIDE = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The part of a task that is plain values: what the command line and the web page ask for.

    Parameters
    ----------
    strength
        How far to go from the photo (0) to the style (1).
    size
        Longest side of the result in pixels; the photo's own if not given.
    seed
        The same number gives the same picture; adain, which leaves nothing to chance, ignores it.
    engine
        What paints: adain is the instant preview.
    """

    strength: float = 1.0
    size: int | None = None
    seed: int = 0
    engine: EngineName = "adain"

    def __post_init__(self) -> None:
        for name, plain in (("strength", float), ("seed", int), ("size", int)):  # numpy's numbers are not JSON's
            value = getattr(self, name)
            try:
                if value is not None:
                    object.__setattr__(self, name, plain(value))
            except (TypeError, ValueError):
                raise InputError(f"{name} is {value!r}: give a number.") from None
        if not math.isfinite(self.strength) or not 0 <= self.strength <= 1:
            raise InputError(f"strength is {self.strength}: give a number from 0 to 1.")
        if self.size is not None and not 64 <= self.size <= MAX_SIDE:
            raise InputError(f"size is {self.size}: give a number from 64 to {MAX_SIDE}.")
        if not 0 <= self.seed < 2**63:
            raise InputError(f"seed is {self.seed}: give a whole number from 0 to {2**63 - 1}.")
        if self.engine not in get_args(EngineName):
            raise InputError(f"engine is {self.engine!r}: give one of {', '.join(get_args(EngineName))}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Settings):
    """Everything that decides the outcome of a render."""

    content: Picture
    style: Style

    @classmethod
    def of(cls, content: Picture, style: Style, settings: Settings) -> Task:
        return cls(content=content, style=style, **settings_dict(settings))

    @property
    def settings(self) -> Settings:
        return Settings(**settings_dict(self))


def settings_dict(settings: Settings) -> dict[str, Any]:
    """Field values by name, of the plain part alone."""
    return {f.name: getattr(settings, f.name) for f in fields(Settings)}


@dataclass(frozen=True, slots=True)
class Result:
    """A rendered `picture`, the `task` it came from, `seconds` by phase, sha256 by weights file, and the engine's
    `runtime`: device, dtype and threads.
    """

    picture: Picture
    task: Task
    seconds: Mapping[str, float]
    weights: Mapping[str, str]
    runtime: Mapping[str, str]

    def save(self, path: str | Path) -> Path:
        """Write PNG, JPEG or WebP with the whole recipe inside, so that `diffstyle replay` can repeat it."""
        from diffstyle.recipe import save_result

        return save_result(self, Path(path))

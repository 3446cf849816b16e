"""How a backbone is sampled by default: read from the file beside its model_index.json."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from diffstyle.backbones.source import read_json
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import Conditioning, SchedulerName

SAMPLING = "sampling.json"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sampling:
    """What a backbone is sampled with unless a task says otherwise.

    `side`: it paints no picture larger than `side` x `side` pixels well. `margin`: nor so many pixels along the edges.
    `conditioning`: what the ControlNet in its folder is shown.
    """

    scheduler: SchedulerName = "dpm++"
    steps: int = 25
    guidance: float = 5.0
    side: int | None = None
    margin: int = 0
    conditioning: Conditioning = "soft-edge"


def read_sampling(folder: Path | None, kind: type[T]) -> T:
    """The dataclass `kind` with what the sampling.json of `folder` says of its fields, defaults for all others.

    An engine reads a dataclass of its own from the same file; keys that `kind` does not have are left to other readers.
    InputError if the file is damaged or a value is refused by `kind`.
    """
    if folder is None or not (folder / SAMPLING).is_file():
        return kind()
    names = {f.name for f in fields(kind)}  # pyright: ignore[reportArgumentType]
    try:
        return kind(**{k: v for k, v in read_json(folder / SAMPLING).items() if k in names})
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"Cannot use {folder / SAMPLING}: {error}; fetch the model again.") from error

"""How a student is trained: plain values, a digest of which is kept in its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from diffstyle.core.fields import Range, check_values
from diffstyle.engines.feedforward.settings import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class DistilRecipe:
    """Everything that decides a student besides its styles and the photos.

    Parameters
    ----------
    size
        tiny is the fastest, base paints best; small lies between them.
    minutes
        How long to train, the painting of examples included.
    steps
        How many steps to train, however long they take.
    examples
        How many photos at most are painted in every style to learn from; at most a third of the minutes is spent on it.
    video
        Whether marks are taught to keep still on what moves, for clips (Gao et al. 2018).
    crop
        Side of the crops in pixels, rounded down to a multiple of 16.
    batch
        Paintings in a step.
    learning_rate
        The highest learning rate.
    seed
        Equal seeds, examples and steps give equal students.
    """

    size: Size = "small"
    minutes: Annotated[float, Range(0.05, 1440)] = 20.0
    steps: Annotated[int | None, Range(1, 1_000_000)] = None
    examples: Annotated[int, Range(2, 5000)] = 120
    video: bool = False
    crop: Annotated[int, Range(64, 288)] = 192
    batch: Annotated[int, Range(1, 64)] = 4
    learning_rate: Annotated[float, Range(1e-6, 0.1)] = 3e-3
    seed: Annotated[int, Range(0, 2**31)] = 0

    def __post_init__(self) -> None:
        check_values(self, DistilRecipe)

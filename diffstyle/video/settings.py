"""The settings of a clip that decide how steady it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from diffstyle.core.errors import InputError
from diffstyle.core.fields import Range, Section, check_values

Flow = Literal["dis", "raft", "raft_large"]
_STEADY = Section("Steadiness")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadiness:
    """How the frames of a clip hold together.

    Parameters
    ----------
    steady
        How much of the previous frame is kept where motion is known, from 0 to 1; 0 paints each frame for itself.
    every
        Paint only every n-th frame and carry it to the others.
    flow
        What estimates motion: dis, or the network raft or raft_large, which is slower, better at fast and blurred
        motion, and needs `diffstyle models pull raft_small` or `raft_large`.
    """

    steady: Annotated[float, Range(0, 1), _STEADY] = 0.9
    every: Annotated[int, Range(1, 60), _STEADY] = 1
    flow: Annotated[Flow, _STEADY] = "dis"

    def __post_init__(self) -> None:
        check_values(self, Steadiness)
        if self.steady == 0 and self.every == 1 and self.flow != "dis":
            raise InputError(f"flow={self.flow} estimates motion, which steady=0 does without: leave flow out.")

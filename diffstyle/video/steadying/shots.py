"""Which shot a frame belongs to: after a flash of light or an inserted frame, the shot before it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from diffstyle.ops.flow import Search
from diffstyle.video.steadying.carry import Kept, Sight
from diffstyle.video.steadying.follow import Seen

CUT = 0.35  # share of a frame that the one before shows too, below which another shot begins
FLASH = 8  # frames within which the shot before may go on: flashes of light and lightning take fewer
_LEFT, _AWAY = "left.", "away"


@dataclass(frozen=True, slots=True)
class Shots:
    """What is `kept` of the present shot, and for a few frames of one that was `left` at a cut, `away` frames ago."""

    kept: Kept
    left: Kept | None = None
    away: int = 0

    def belonging(self, seen: Seen, search: Search) -> tuple[Shots, Sight] | None:
        """The shots with that of the next frame as the present one, and the frame's sight of it; None for the first
        frame of another shot.
        """
        sight = Sight.of(self.kept, seen, search)
        if self.left is not None:
            back = Sight.of(self.left, seen, search)
            if back.shared >= max(CUT, sight.shared):
                return Shots(self.left), back
        return (self, sight) if sight.shared >= CUT else None

    def onwards(self, kept: Kept) -> Shots:
        """After one more frame of the present shot."""
        away = self.away + 1
        return Shots(kept) if self.left is None or away >= FLASH else Shots(kept, self.left, away)

    def cut(self, kept: Kept) -> Shots:
        """After the first frame of another shot. In a flash of several frames, the shot before all of them is left."""
        return Shots(kept, self.kept, 1) if self.left is None else self.onwards(kept)

    def tensors(self) -> dict[str, Tensor]:
        """All of it, to be saved."""
        if self.left is None:
            return self.kept.tensors()
        left = {f"{_LEFT}{name}": tensor for name, tensor in self.left.tensors().items()}
        return {**self.kept.tensors(), **left, _AWAY: torch.tensor(self.away)}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Shots:
        """From its `tensors`."""
        if _AWAY not in tensors:
            return cls(Kept.of(tensors))
        left = {k.removeprefix(_LEFT): v for k, v in tensors.items() if k.startswith(_LEFT)}
        return cls(Kept.of(tensors), Kept.of(left), int(tensors[_AWAY]))

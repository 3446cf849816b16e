"""The frames of a clip, and what paints them in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

import cv2 as untyped
import numpy as np
from torch import Tensor

from diffstyle.core.picture import Picture
from diffstyle.ops.flow import Array

cv2: Any = untyped


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of a clip: the `index`-th that is painted, from 0, and when it is shown, in seconds."""

    index: int
    time: Fraction
    picture: Picture


def as_array(pixels: Tensor) -> Array:
    """Pixels (3, H, W) as flow and measures take them: (H, W, 3)."""
    return np.asarray(cv2.merge([*pixels.float().numpy()]), np.float32)  # numpy's own copy is slow


class FramePainter(Protocol):
    """Paints the frames of one clip in order. It may hold frames back until it has seen later ones."""

    def push(self, frame: Frame) -> list[Frame]:
        """Take the next frame; give those that are finished now, in order. Raises Cancelled when asked to stop."""
        ...

    def flush(self) -> list[Frame]:
        """All frames held back, finished with what is known. More may be pushed afterwards."""
        ...

    def state(self) -> Mapping[str, Tensor]:
        """After `flush`: all that the next frame depends on."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`: the frames that follow come out exactly as they would have."""
        ...

    def close(self) -> None:
        """Wait for what is still in work, and drop it and what was held back. Nothing can be pushed any more."""
        ...

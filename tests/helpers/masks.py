"""Masks that several tests use."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def left_half(width: int, height: int) -> npt.NDArray[np.uint8]:
    """(height, width): white on the left, black on the right."""
    array = np.zeros((height, width), np.uint8)
    array[:, : width // 2] = 255
    return array

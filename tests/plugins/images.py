"""Pictures that hosts hand to plugins, and what to compare of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image


def photo(width: int = 96, height: int = 64, mode: str = "RGB") -> Image.Image:
    """A picture of noise."""
    channels = {"RGB": 3, "RGBA": 4}[mode]
    data = np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Image.fromarray(data, mode)


def pixels(image: Image.Image) -> Any:
    """(h, w, c) of signed numbers, which can be subtracted."""
    return np.asarray(image).astype(int)

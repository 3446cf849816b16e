"""Photos that int8 networks are calibrated with: the user's own, or CC0 photos and procedural scenes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.data.procedural.scenes import scene

SIDE = 256  # pixels of the longest side, a multiple of what any network needs
PHOTOS = 24
_BUNDLED = ("astronaut", "cat", "coffee", "rocket")  # of skimage.data, CC0 or in the public domain
_MULTIPLE = 64
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def calibration_photos(folder: Path | None = None) -> Iterator[Tensor]:
    """PHOTOS photos (1, 3, h, w) in [0, 1]: those in `folder`, or those of scikit-image and scenes drawn at random.

    InputError if there are none in `folder`.
    """
    pictures = _bundled() if folder is None else _own(folder)
    for picture in pictures:
        scale = SIDE / max(picture.size)
        width, height = (max(_MULTIPLE, round(side * scale / _MULTIPLE) * _MULTIPLE) for side in picture.size)
        yield picture.resized((width, height)).opaque()[None].contiguous()


def _own(folder: Path) -> Iterator[Picture]:
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: name one that holds photos.")
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES]
    if not paths:
        raise InputError(f"There are no pictures in {folder}: name a folder that holds photos.")
    step = max(1, len(paths) // PHOTOS)  # spread over the folder, whatever its order means
    return (Picture.open(path) for path in paths[::step][:PHOTOS])


def _bundled() -> Iterator[Picture]:
    from skimage import data

    for name in _BUNDLED:
        yield Picture.from_array(cast("npt.NDArray[np.uint8]", getattr(data, name)()))
    rng = np.random.default_rng(7)
    for _ in range(PHOTOS - len(_BUNDLED)):
        yield Picture.from_array(scene(rng, SIDE))

"""Batches for a personal adapter, each a function of seed and step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from diffstyle.adapters.strokes import MEASURED_AREA
from diffstyle.core.errors import InputError
from diffstyle.training.data import Pixels, random_crop, to_batch
from diffstyle.training.personal.dataset import Piece

BUNDLED = ("astronaut", "coffee", "chelsea", "rocket", "motorcycle_left", "camera", "grass", "hubble_deep_field")
PHOTO_ZOOM = (1.0, 4.0)  # up to the whole photo
STROKE_ZOOM = (0.9, 1.6)  # near the size they are seen at: strokes are what is learned
NO_CAPTION = 0.5
NO_STYLE = 0.1
PHOTO_SHARE = 0.25
SHAPES = ((1, 1), (4, 3), (3, 4), (16, 9), (9, 16))  # of crops, width to height; all of one area
EACH = 2  # photos for every crop of the hand


@dataclass(frozen=True, slots=True)
class Strokes:
    """Crops of the hand (n, 3, s, s), the photos that are to be painted so (n * EACH, 3, s, s), and embeddings of the
    hand's pictures (n * EACH, d).
    """

    strokes: Tensor
    photos: Tensor
    told: Tensor


@dataclass(frozen=True, slots=True)
class Shown:
    """Crops (b, 3, h, w) of the hand and of plain photos, what each is said to show ("" for nothing), and what style
    each is said to be in (b, d), zeros for none.
    """

    pictures: Tensor
    captions: tuple[str, ...]
    told: Tensor


@dataclass(frozen=True, slots=True)
class Material:
    """Pictures of the hand with the embedding of each (n, d) and their mean (d,), and photos with theirs (m, d)."""

    pieces: tuple[Pixels, ...]
    captions: tuple[str, ...]
    embeddings: Tensor
    mean: Tensor
    photos: tuple[Pixels, ...]
    photo_embeddings: Tensor

    def strokes(self, *, size: int, count: int, rng: np.random.Generator, photos: Tensor | None = None) -> Strokes:
        """`count` crops of the hand, for `photos` or for others."""
        crops = [_strokes(self.pieces[_any(self.pieces, rng)], size, rng) for _ in range(count)]
        if photos is None:
            photos = self.plain(size=size, count=count * EACH, rng=rng)
        told = [self._told(_any(self.pieces, rng), rng) for _ in photos]
        return Strokes(to_batch(crops), photos, torch.stack(told))

    def plain(self, *, size: int, count: int, rng: np.random.Generator) -> Tensor:
        """(count, 3, size, size): crops of the photos."""
        return to_batch(
            [random_crop(self.photos[_any(self.photos, rng)], size, zoom=PHOTO_ZOOM, rng=rng) for _ in range(count)]
        )

    def shown(self, *, size: int, count: int, multiple: int, rng: np.random.Generator) -> Shown:
        """Crops of one shape, that of a picture drawn first; one in four is a plain photo, said to be one."""
        first = self.pieces[_any(self.pieces, rng)]
        width, height = bucket(first.shape[1] / first.shape[0], size, multiple)
        crops: list[Pixels] = []
        captions: list[str] = []
        told: list[Tensor] = []
        for _ in range(count):
            plain = rng.random() < PHOTO_SHARE
            pool = self.photos if plain else self.pieces
            n = _any(pool, rng)
            crops.append(oblong_crop(pool[n], (width, height), rng))
            captions.append("" if plain or rng.random() < NO_CAPTION else self.captions[n])
            embedding = self.photo_embeddings[n] if plain else self._told(n, rng)
            told.append(torch.zeros_like(embedding) if rng.random() < NO_STYLE else embedding)
        return Shown(to_batch(crops), tuple(captions), torch.stack(told))

    def _told(self, n: int, rng: np.random.Generator) -> Tensor:
        """The style of another picture of the hand, or of all of them: never of this one, or its subject would tell."""
        others = [k for k in range(len(self.pieces)) if k != n]
        return self.mean if not others or rng.random() < 0.5 else self.embeddings[int(rng.choice(others))]


def _strokes(pixels: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """A (size, size, 3) crop of a picture at the area that strokes are measured at; one that is smaller has none that
    enlarging would find, and is left as it is.
    """
    factor = max(1.0, (pixels.shape[0] * pixels.shape[1] / MEASURED_AREA) ** 0.5)
    return random_crop(pixels, size, zoom=(STROKE_ZOOM[0] * factor, STROKE_ZOOM[1] * factor), rng=rng)


def bucket(aspect: float, size: int, multiple: int) -> tuple[int, int]:
    """(width, height) of about `size` squared pixels, multiples of `multiple`, nearest in shape to `aspect`."""
    across, down = min(SHAPES, key=lambda s: abs(np.log(aspect * s[1] / s[0])))
    scale = size / (across * down) ** 0.5
    width, height = (max(multiple, round(side * scale / multiple) * multiple) for side in (across, down))
    return width, height


def oblong_crop(pixels: Pixels, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """A crop of (width, height) `size`, mirrored half the time, of as large a part of the picture as has this shape, or
    down to 0.7 of that.
    """
    h, w = int(pixels.shape[0]), int(pixels.shape[1])
    scale = min(w / size[0], h / size[1]) * rng.uniform(0.7, 1.0)
    width, height = size[0] * scale, size[1] * scale
    x, y = rng.uniform(0, w - width), rng.uniform(0, h - height)
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, box=(x, y, x + width, y + height))
    crop = np.asarray(image)
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def plain_photos(folder: Path | None, *, longest: int = 720) -> tuple[Pixels, ...]:
    """The photos of `folder`, or those that come with scikit-image: what the hand is tried on while it learns."""
    if folder is None:
        import skimage.data

        home = Path(skimage.data.__file__ or "").parent
        paths = [p for name in BUNDLED for p in sorted(home.glob(f"{name}.*"))]
    else:
        paths = [p for p in sorted(folder.glob("*")) if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")]
    found: list[Pixels] = []
    for path in paths:
        with Image.open(path) as image:
            plain = image.convert("RGB")
        plain.thumbnail((longest, longest))
        found.append(np.asarray(plain))
    if not found:
        raise InputError(f"Found no photos in {folder}: give a folder of JPEG, PNG or WebP files.")
    return tuple(found)


def _any(pool: Sequence[object], rng: np.random.Generator) -> int:
    return int(rng.integers(len(pool)))


def pixels_of(pieces: Sequence[Piece]) -> tuple[Pixels, ...]:
    return tuple(p.pixels for p in pieces)

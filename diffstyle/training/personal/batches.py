"""Batches for a personal adapter; the generator decides all that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from diffstyle.core.errors import InputError
from diffstyle.training.data import Pixels, random_crop, to_batch
from diffstyle.training.personal.dataset import TrainingImage

BUNDLED = ("astronaut", "coffee", "chelsea", "rocket", "motorcycle_left", "camera", "grass", "hubble_deep_field")
PHOTO_ZOOM = (1.0, 4.0)  # up to the whole photo
CROP_ZOOM = (0.9, 1.6)  # near the size at which pictures are seen, so that strokes keep their size
SEEN_AREA = 512 * 512  # pixels: larger pictures are cropped as if they had this area
NO_CAPTION = 0.5
NO_STYLE = 0.1
PHOTO_SHARE = 0.25
SHAPES = ((1, 1), (4, 3), (3, 4), (16, 9), (9, 16))  # of crops, width to height; all have one area
PHOTOS_PER_CROP = 2


@dataclass(frozen=True, slots=True)
class PaintingBatch:
    """Photos (n * PHOTOS_PER_CROP, 3, s, s) to be painted like the `crops` (n, 3, s, s) of the artist's pictures, and
    the style `embeddings` (n * PHOTOS_PER_CROP, d) that condition the model.
    """

    crops: Tensor
    photos: Tensor
    embeddings: Tensor


@dataclass(frozen=True, slots=True)
class DenoisingBatch:
    """Crops (b, 3, h, w) of the artist's pictures and of photos, their `captions` ("" for none), and the style
    `embeddings` (b, d) that condition the model, zeros for none, with the `features` (b, n, w) of the same styles, if
    they were asked for.
    """

    pictures: Tensor
    captions: tuple[str, ...]
    embeddings: Tensor
    features: Tensor | None = None


@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """What plus adapters read: features (n, t, w) of the artist's pictures, their `mean` (t, w), those of the photos
    (m, t, w), and what stands for `none` (t, w).
    """

    pictures: Tensor
    mean: Tensor
    photos: Tensor
    none: Tensor


@dataclass(frozen=True, slots=True)
class ArtistPictures:
    """Pictures of the artist with embeddings (n, d) and their `mean` (d,), photos with embeddings (m, d), and
    `features` of both for models with a plus adapter.
    """

    pictures: tuple[Pixels, ...]
    captions: tuple[str, ...]
    embeddings: Tensor
    mean: Tensor
    photos: tuple[Pixels, ...]
    photo_embeddings: Tensor
    features: FeatureMaps | None = None

    def painting(
        self, *, size: int, count: int, rng: np.random.Generator, photos: Tensor | None = None
    ) -> PaintingBatch:
        """`count` crops of the artist's pictures, with `photos` or with random ones."""
        crops = [_crop(self.pictures[_any(self.pictures, rng)], size, rng) for _ in range(count)]
        if photos is None:
            photos = self.photo_crops(size=size, count=count * PHOTOS_PER_CROP, rng=rng)
        embeddings = [self._embedding(_any(self.pictures, rng), rng) for _ in photos]
        return PaintingBatch(to_batch(crops), photos, torch.stack(embeddings))

    def photo_crops(self, *, size: int, count: int, rng: np.random.Generator) -> Tensor:
        """(count, 3, size, size): crops of the photos."""
        return to_batch(
            [random_crop(self.photos[_any(self.photos, rng)], size, zoom=PHOTO_ZOOM, rng=rng) for _ in range(count)]
        )

    def denoising(self, *, size: int, count: int, multiple: int, rng: np.random.Generator) -> DenoisingBatch:
        """`count` crops in the shape of one random picture; one in four is of a photo, with the photo's embedding."""
        first = self.pictures[_any(self.pictures, rng)]
        width, height = bucket(first.shape[1] / first.shape[0], size, multiple)
        crops: list[Pixels] = []
        captions: list[str] = []
        embeddings: list[Tensor] = []
        features: list[Tensor] = []
        for _ in range(count):
            plain = rng.random() < PHOTO_SHARE
            pool = self.photos if plain else self.pictures
            n = _any(pool, rng)
            crops.append(oblong_crop(pool[n], (width, height), rng))
            captions.append("" if plain or rng.random() < NO_CAPTION else self.captions[n])
            k = None if plain else self._other(n, rng)
            embedding = self.photo_embeddings[n] if plain else self._of(k)
            unstyled = rng.random() < NO_STYLE
            embeddings.append(torch.zeros_like(embedding) if unstyled else embedding)
            if (maps := self.features) is not None:
                seen = maps.photos[n] if plain else maps.mean if k is None else maps.pictures[k]
                features.append(maps.none if unstyled else seen)
        stacked = torch.stack(features) if features else None
        return DenoisingBatch(to_batch(crops), tuple(captions), torch.stack(embeddings), stacked)

    def _embedding(self, n: int, rng: np.random.Generator) -> Tensor:
        return self._of(self._other(n, rng))

    def _of(self, n: int | None) -> Tensor:
        """The embedding of picture `n`, or the mean."""
        return self.mean if n is None else self.embeddings[n]

    def _other(self, n: int, rng: np.random.Generator) -> int | None:
        """What shows the style of picture `n`: another picture, or None for all; its own would show its subject."""
        others = [k for k in range(len(self.pictures)) if k != n]
        return None if not others or rng.random() < 0.5 else int(rng.choice(others))


def _crop(pixels: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """A (size, size, 3) crop of a picture as if it had SEEN_AREA pixels; smaller pictures are not enlarged."""
    factor = max(1.0, (pixels.shape[0] * pixels.shape[1] / SEEN_AREA) ** 0.5)
    return random_crop(pixels, size, zoom=(CROP_ZOOM[0] * factor, CROP_ZOOM[1] * factor), rng=rng)


def bucket(aspect: float, size: int, multiple: int) -> tuple[int, int]:
    """(width, height) of about `size` squared pixels, multiples of `multiple`, in the shape nearest to `aspect`."""
    across, down = min(SHAPES, key=lambda s: abs(np.log(aspect * s[1] / s[0])))
    scale = size / (across * down) ** 0.5
    width, height = (max(multiple, round(side * scale / multiple) * multiple) for side in (across, down))
    return width, height


def oblong_crop(pixels: Pixels, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """A crop resampled to (width, height) `size`, mirrored half the time.

    Its side is 0.7 to 1 times that of the largest part of the picture that has this shape.
    """
    h, w = int(pixels.shape[0]), int(pixels.shape[1])
    scale = min(w / size[0], h / size[1]) * rng.uniform(0.7, 1.0)
    width, height = size[0] * scale, size[1] * scale
    x, y = rng.uniform(0, w - width), rng.uniform(0, h - height)
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, box=(x, y, x + width, y + height))
    crop = np.asarray(image)
    return crop[:, ::-1] if rng.random() < 0.5 else crop


def plain_photos(folder: Path | None, *, longest: int = 720) -> tuple[Pixels, ...]:
    """The photos of `folder`, or those that come with scikit-image: contents for training and for the report.

    Raises InputError if there are none.
    """
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


def pixels_of(images: Sequence[TrainingImage]) -> tuple[Pixels, ...]:
    return tuple(i.pixels for i in images)

"""The training pictures of one artist: read, checked, without duplicates, one in five of them held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from diffstyle.core.errors import InputError, explain
from diffstyle.core.picture import Picture, PictureLike

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".gif"}
FEWEST, MOST = 3, 500
SMALLEST = 96  # pixels of the shorter side; smaller pictures show no strokes
LONGEST = 1536
THUMB = 16
ALIKE = 0.02  # mean difference of two thumbnails below which pictures count as duplicates
HELD_FROM, HELD_SHARE = 5, 0.2  # pictures, and share of them that is held out


@dataclass(frozen=True, slots=True, eq=False)
class TrainingImage:
    """One picture of the artist, and a caption of what it shows ("" if there is none)."""

    picture: Picture
    caption: str = ""

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """(h, w, 3) uint8; transparent pixels have the mean colour."""
        return Picture(self.picture.opaque().clamp(0, 1)).to_array()


@dataclass(frozen=True, slots=True)
class Dataset:
    """The images to `train` on, those `held` out, and a sentence on every picture that was left out."""

    train: tuple[TrainingImage, ...]
    held: tuple[TrainingImage, ...]
    notes: tuple[str, ...]

    @property
    def images(self) -> tuple[TrainingImage, ...]:
        return (*self.train, *self.held)

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(i.picture.digest() for i in self.images)


def read_dataset(pictures: str | Path | Sequence[PictureLike], *, seed: int = 0, longest: int = LONGEST) -> Dataset:
    """The pictures of a folder or a list. A text file of the same name beside a picture is its caption.

    Broken, small and duplicate pictures are left out with a note; larger ones are reduced to a side of `longest`
    pixels. Raises InputError for a folder that is missing or
    has no pictures, for fewer than 3 usable pictures, and for more than 500.
    """
    notes: list[str] = []
    found = _files(Path(pictures)) if isinstance(pictures, (str, Path)) else pictures
    where = str(pictures) if isinstance(pictures, (str, Path)) else "the list"
    if len(found) == 0:
        raise InputError(f"Found no pictures in {where}: give a folder of {FEWEST} to {MOST} of them.")
    if len(found) > MOST:
        raise InputError(f"Found {len(found)} pictures in {where}: {MOST} are the most, choose the best of them.")
    images: list[TrainingImage] = []
    thumbs: list[npt.NDArray[np.float32]] = []
    for item in found:
        try:
            picture = Picture.of(item)
        except InputError as error:
            notes.append(f"Left out: {error}")
            continue
        if min(picture.size) < SMALLEST:
            notes.append(
                f"Left out: {picture.source} has {picture.width}x{picture.height} pixels, {SMALLEST} a side are needed."
            )
            continue
        thumb = _thumb(picture)
        same = next((p for p, t in zip(images, thumbs, strict=True) if float(np.abs(t - thumb).mean()) < ALIKE), None)
        if same is not None:
            notes.append(f"Left out: {picture.source} shows the same as {same.picture.source}.")
            continue
        images.append(TrainingImage(picture.reduced(longest), _caption(item)))
        thumbs.append(thumb)
    if len(images) < FEWEST:
        reason = f" ({notes[0].removeprefix('Left out: ').rstrip('.')})" if notes else ""
        raise InputError(
            f"Found {len(images)} usable picture{'s' * (len(images) != 1)} in {where}{reason}: a style needs at least"
            f" {FEWEST} different ones."
        )
    order = np.random.default_rng(seed).permutation(len(images))
    out = round(len(images) * HELD_SHARE) if len(images) >= HELD_FROM else 0
    held, train = (sorted(int(n) for n in part) for part in (order[:out], order[out:]))
    return Dataset(tuple(images[n] for n in train), tuple(images[n] for n in held), tuple(notes))


def _files(folder: Path) -> Sequence[PictureLike]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    except OSError as error:
        raise explain(error, f"read the folder {folder}") from error


def _caption(item: PictureLike) -> str:
    """The text beside a picture file, on one line, at most 300 characters."""
    if not isinstance(item, (str, Path)):
        return ""
    try:
        return " ".join(Path(item).with_suffix(".txt").read_text("utf-8").split())[:300]
    except (OSError, UnicodeDecodeError):
        return ""


def _thumb(picture: Picture) -> npt.NDArray[np.float32]:
    small = picture.to_pil().convert("RGB").resize((THUMB, THUMB), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)

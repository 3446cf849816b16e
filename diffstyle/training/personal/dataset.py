"""The pictures of a hand: read, checked, without their doubles, one in five of them held out."""

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
SMALLEST = 96  # pixels of the shorter side: less has no strokes to learn
LONGEST = 1536
THUMB = 16
ALIKE = 0.02  # mean difference of two thumbnails below which they show the same picture
HELD_FROM, HELD_SHARE = 5, 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One picture of the hand, and what its caption says it shows ("" if there is none)."""

    picture: Picture
    caption: str = ""

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """(h, w, 3) uint8, what is transparent in the mean colour."""
        return Picture(self.picture.opaque().clamp(0, 1)).to_array()


@dataclass(frozen=True, slots=True)
class Intake:
    """`train` and `held` out, and a sentence on every picture that was left out."""

    train: tuple[Piece, ...]
    held: tuple[Piece, ...]
    notes: tuple[str, ...]

    @property
    def digests(self) -> tuple[str, ...]:
        return tuple(p.picture.digest() for p in (*self.train, *self.held))


def take_in(pictures: str | Path | Sequence[PictureLike], *, seed: int = 0) -> Intake:
    """The pictures in a folder, or of a list. A text file beside a picture, of the same name, is its caption.

    Raises InputError for a folder that is missing or has no pictures, and if fewer than 3 different ones are left, or
    there are more than 500.
    """
    notes: list[str] = []
    found = _files(Path(pictures)) if isinstance(pictures, (str, Path)) else pictures
    where = str(pictures) if isinstance(pictures, (str, Path)) else "the list"
    if len(found) == 0:
        raise InputError(f"Found no pictures in {where}: give a folder of {FEWEST} to {MOST} of them.")
    if len(found) > MOST:
        raise InputError(f"Found {len(found)} pictures in {where}: {MOST} are the most, choose the best of them.")
    pieces: list[Piece] = []
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
        same = next((p for p, t in zip(pieces, thumbs, strict=True) if float(np.abs(t - thumb).mean()) < ALIKE), None)
        if same is not None:
            notes.append(f"Left out: {picture.source} shows the same as {same.picture.source}.")
            continue
        if max(picture.size) > LONGEST:
            scale = LONGEST / max(picture.size)
            picture = picture.resized((round(picture.width * scale), round(picture.height * scale)))
        pieces.append(Piece(picture, _caption(item)))
        thumbs.append(thumb)
    if len(pieces) < FEWEST:
        reason = f" ({notes[0].removeprefix('Left out: ').rstrip('.')})" if notes else ""
        raise InputError(
            f"Found {len(pieces)} usable picture{'s' * (len(pieces) != 1)} in {where}{reason}: a style needs at least"
            f" {FEWEST} different ones."
        )
    order = np.random.default_rng(seed).permutation(len(pieces))
    out = round(len(pieces) * HELD_SHARE) if len(pieces) >= HELD_FROM else 0
    held, train = (sorted(int(n) for n in part) for part in (order[:out], order[out:]))
    return Intake(tuple(pieces[n] for n in train), tuple(pieces[n] for n in held), tuple(notes))


def _files(folder: Path) -> Sequence[PictureLike]:
    try:
        return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    except OSError as error:
        raise explain(error, f"read the folder {folder}") from error


def _caption(item: PictureLike) -> str:
    """What the text file beside a picture says."""
    if not isinstance(item, (str, Path)):
        return ""
    try:
        return " ".join(Path(item).with_suffix(".txt").read_text("utf-8").split())[:300]
    except (OSError, UnicodeDecodeError):
        return ""


def _thumb(picture: Picture) -> npt.NDArray[np.float32]:
    small = picture.to_pil().convert("RGB").resize((THUMB, THUMB), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)

"""What a student learns from: photos, each painted in every style by the engine that paints it best.

Examples are painted once and kept in shards, so that a training that was stopped goes on with the first that is
missing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.errors import Cancelled
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.data.procedural.scenes import scene
from diffstyle.stylizer import Stylizer
from diffstyle.training.data import CropBox, Pixels, to_bytes
from diffstyle.training.pairs.shards import from_png, read_shard, to_png, write_shard
from diffstyle.training.personal.batches import plain_photos

SIDE = 288  # pixels of an example
BORDER = 16  # pixels around it that are painted and cut off: frames and the paper's edge are no part of a style
ZOOM = (1.0, 4.0)  # from a part in full detail up to the whole photo
SHARD = 4  # photos in a shard
HELD_EVERY = 8  # one photo in so many is held out
SCENES = 24  # procedural scenes beside the photos that come with scikit-image
FEWEST = 2  # one to learn from, one held out
STRENGTHS, STRENGTH_SHARE = (0.2, 1.0), 0.15  # of strengths below 1, and how often they occur


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A photo (SIDE, SIDE, 3) uint8, and its paintings, one for each style."""

    photo: Pixels
    paintings: tuple[Pixels, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A batch: crops of photos and paintings (b, 3, s, s) uint8, the rows of their styles (b,), strengths (b, 1)."""

    photos: Tensor
    paintings: Tensor
    rows: Tensor
    strengths: Tensor


def photos_in(folder: Path | None, *, seed: int) -> tuple[Pixels, ...]:
    """The photos of a folder; without one, those that come with scikit-image, and procedural scenes."""
    found = plain_photos(folder)
    if folder is not None:
        return found
    rng = np.random.default_rng((seed, 7))
    return (*found, *(scene(rng, 480) for _ in range(SCENES)))


def paint_examples(
    stylizer: Stylizer,
    styles: Sequence[Style],
    photos: Sequence[Pixels],
    folder: Path,
    *,
    count: int,
    seconds: float,
    seed: int,
    on_example: Callable[[int, int], bool | None] | None = None,
) -> list[Example]:
    """At most `count` photos painted in every style into `folder`, for about `seconds`, those that are there included.

    `on_example` is called with how many are painted and how many are wanted; Cancelled if it returns False. Each photo
    is used in turn, in a random part of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + seconds
    found: list[Example] = []
    for shard in range(-(-count // SHARD)):
        path = folder / f"examples-{shard:04}.tar"
        if not path.exists():
            if len(found) >= FEWEST and time.monotonic() > until:
                break
            numbers = range(shard * SHARD, min(count, (shard + 1) * SHARD))

            def report(number: int) -> None:
                if on_example is not None and on_example(number, count) is False:
                    raise Cancelled

            write_shard(path, _painted(stylizer, styles, photos, numbers, seed, report))
        found += [_read(members) for _, members in read_shard(path)]
    return found


def _painted(
    stylizer: Stylizer,
    styles: Sequence[Style],
    photos: Sequence[Pixels],
    numbers: range,
    seed: int,
    report: Callable[[int], None],
) -> Iterator[tuple[str, bytes]]:
    """The members of a shard: for each number its photo, and one painting for each style."""
    for number in numbers:
        report(number)
        source = photos[number % len(photos)]
        rng = np.random.default_rng((seed, number))
        side = SIDE + 2 * BORDER
        crop = CropBox.random(source, side, zoom=ZOOM, rng=rng).cut(source, side)
        photo = Picture.from_array(np.ascontiguousarray(crop))
        yield f"{number:06}.photo.png", to_png(_inside(photo))
        for n, style in enumerate(styles):
            yield f"{number:06}.{n:02}.png", to_png(_inside(stylizer.render(Task(photo, style)).picture))


def _inside(picture: Picture) -> Picture:
    """Without the border, and without alpha."""
    return Picture(picture.pixels[:, BORDER:-BORDER, BORDER:-BORDER].contiguous())


def _read(members: dict[str, bytes]) -> Example:
    names = sorted(n for n in members if n != "photo.png")
    return Example(from_png(members["photo.png"]), tuple(from_png(members[n]) for n in names))


def split(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Those to learn from, and those held out: one in HELD_EVERY, at least one."""
    held = [e for n, e in enumerate(examples) if n % HELD_EVERY == HELD_EVERY - 1] or [examples[-1]]
    return [e for e in examples if all(e is not h for h in held)], held


def draw(examples: Sequence[Example], *, crop: int, count: int, rng: np.random.Generator) -> Lesson:
    """Random crops of random examples in random styles; every style comes equally often."""
    styles, side = len(examples[0].paintings), int(examples[0].photo.shape[0])
    first = int(rng.integers(styles))
    rows = [(first + n * max(1, styles // count)) % styles for n in range(count)]
    photos: list[Pixels] = []
    paintings: list[Pixels] = []
    for row in rows:
        example = examples[int(rng.integers(len(examples)))]
        y, x = (int(v) for v in rng.integers(0, side - crop + 1, 2))
        window = slice(y, y + crop), slice(x, x + crop)
        photos.append(example.photo[window])
        paintings.append(example.paintings[row][window])
    below = rng.random(count) < STRENGTH_SHARE
    strengths = np.where(below, rng.uniform(*STRENGTHS, count), 1.0).astype(np.float32)
    return Lesson(to_bytes(photos), to_bytes(paintings), torch.tensor(rows), torch.from_numpy(strengths)[:, None])

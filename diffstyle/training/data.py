"""Training pictures: webdataset shards held in memory as uint8, random crops of them, and batches ahead of need."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import queue
import tarfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

T = TypeVar("T")
Pixels: TypeAlias = npt.NDArray[np.uint8]
LONGEST = 720


@dataclass(frozen=True, slots=True)
class Sample:
    """One training picture: pixels (h, w, 3) uint8 and what its JSON says of it."""

    pixels: Pixels
    info: dict[str, object]


def _decode(data: bytes, info: dict[str, object]) -> Sample:
    image = Image.open(BytesIO(data)).convert("RGB")
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return Sample(np.asarray(image), info)


def read_shards(folder: Path, pattern: str, split: str) -> list[Sample]:
    """The pictures of `split` in every shard of `folder` that matches `pattern` (`photo-clean-*`), in file order."""
    shards = sorted(folder.glob(f"{pattern}.tar"))
    if not shards:
        raise ValueError(f"{folder} holds no shard {pattern}.tar: give the folder of webdataset shards as DATA.")
    found: list[tuple[bytes, dict[str, object]]] = []
    for shard in shards:
        with tarfile.open(shard) as tar:
            members = {m.name: m for m in tar.getmembers()}
            for name in sorted(n for n in members if n.endswith(".json")):
                info = json.load(_open(tar, members[name]))
                if info["split"] == split:
                    picture = members[name.removesuffix(".json") + ".jpg"]
                    found.append((_open(tar, picture).read(), info))
    with ThreadPoolExecutor() as pool:
        return list(pool.map(_decode, *zip(*found, strict=True)))


def _open(tar: tarfile.TarFile, member: tarfile.TarInfo) -> BytesIO:
    stream = tar.extractfile(member)
    if stream is None:
        raise ValueError(f"{tar.name!s}: {member.name} is not a file.")
    return BytesIO(stream.read())


@dataclass(frozen=True, slots=True)
class CropBox:
    """A square part of a picture: its corner and side in pixels of the picture, and whether it is mirrored."""

    x: float
    y: float
    side: float
    mirrored: bool

    @classmethod
    def random(cls, pixels: Pixels, size: int, *, zoom: tuple[float, float], rng: np.random.Generator) -> CropBox:
        """A random box, `zoom` (least, most) times as large as `size` or as large as the picture allows."""
        h, w = int(pixels.shape[0]), int(pixels.shape[1])
        largest = min(h, w, size * zoom[1])
        side = rng.uniform(min(size * zoom[0], largest), largest)
        return cls(rng.uniform(0, w - side), rng.uniform(0, h - side), side, bool(rng.random() < 0.5))

    def cut(self, pixels: Pixels, size: int) -> Pixels:
        """(size, size, 3): this part of `pixels`, resampled."""
        image = Image.fromarray(pixels).resize(
            (size, size),
            Image.Resampling.BICUBIC,
            box=(self.x, self.y, self.x + self.side, self.y + self.side),
            reducing_gap=2.0,
        )
        crop = np.asarray(image)
        return crop[:, ::-1] if self.mirrored else crop


def random_crop(pixels: Pixels, size: int, *, zoom: tuple[float, float], rng: np.random.Generator) -> Pixels:
    """A (size, size, 3) crop of a part that is `zoom` (least, most) times as large, mirrored half the time."""
    return CropBox.random(pixels, size, zoom=zoom, rng=rng).cut(pixels, size)


def to_bytes(crops: list[Pixels]) -> Tensor:
    """uint8 crops (h, w, 3) -> (b, 3, h, w) uint8, channels last: a quarter of the bytes of float32."""
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)


def to_unit(stacked: Tensor) -> Tensor:
    """(b, 3, h, w) uint8 -> float32 in [0, 1], channels last, on the same device."""
    return (stacked.float() / 255).contiguous(memory_format=torch.channels_last)


def to_batch(crops: list[Pixels]) -> Tensor:
    """uint8 crops -> (b, 3, h, w) float32 in [0, 1], channels last."""
    return to_unit(to_bytes(crops))


class StepDataset(Dataset[T]):
    """make(n) as item n, for a DataLoader."""

    def __init__(self, make: Callable[[int], T]) -> None:
        self.make = make

    def __getitem__(self, step: int) -> T:
        return self.make(step)


def prefetch(make: Callable[[int], T], first: int, *, depth: int = 3, workers: int | None = 0) -> Iterator[T]:
    """make(first), make(first + 1), … ahead of need: from a thread, or from `workers` forked processes.

    Each process makes its own share of them, and what `make` changes stays inside it. With `workers` None each item is
    made when it is asked for.
    """
    if workers is None:
        yield from map(make, itertools.count(first))
    if not workers:
        yield from _threaded(make, first, depth)
        return
    yield from DataLoader(
        StepDataset(make),
        batch_size=None,
        sampler=itertools.count(first),
        num_workers=workers,
        multiprocessing_context=multiprocessing.get_context("fork"),
    )


def _threaded(make: Callable[[int], T], first: int, depth: int) -> Iterator[T]:
    ready: queue.Queue[tuple[T, None] | tuple[None, BaseException]] = queue.Queue(depth)
    stopped = threading.Event()

    def work() -> None:
        step = first
        while not stopped.is_set():
            try:
                item: tuple[T, None] | tuple[None, BaseException] = (make(step), None)
            except BaseException as error:
                item = (None, error)
            while not stopped.is_set():
                try:
                    ready.put(item, timeout=0.2)
                    break
                except queue.Full:
                    continue
            step += 1

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if item[1] is not None:
                raise item[1]
            yield item[0]
    finally:
        stopped.set()

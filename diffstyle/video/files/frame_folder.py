"""Clips as folders of numbered pictures, and as raw frames from a pipe."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from diffstyle.core.errors import InputError, explain
from diffstyle.core.picture import Picture
from diffstyle.core.reading import MAX_PIXELS, too_large
from diffstyle.formats.atomic import sha256
from diffstyle.video.files.clip import DEFAULT_RATE, ClipInfo, Shown
from diffstyle.video.files.timing import frame_rate

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".exr", ".avif", ".heic", ".jxl")
_NUMBER = re.compile(r"\d+")
_RAW = re.compile(r"([1-9]\d*)x([1-9]\d*)@([\d./]+)(?::(rgb24|rgba))?")


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """The pictures of a folder, in the order of their numbers."""

    folder: Path
    files: tuple[Path, ...]
    info: ClipInfo

    @classmethod
    def open(cls, folder: Path, rate: Fraction | None) -> FrameFolder:
        """Find the pictures, shown at `rate` frames a second. InputError if there are none."""
        try:
            files = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
        except OSError as error:
            raise explain(error, f"read the folder {folder}") from error
        if not files:
            raise InputError(f"There are neither clips nor pictures in the folder {folder}: name another one.")
        files.sort(key=lambda p: ([int(n) for n in _NUMBER.findall(p.stem)], p.name))
        first, used = Picture.open(files[0]), rate or DEFAULT_RATE
        notes = () if rate else (f"The frames in {folder} are shown {float(used):g} times a second: see --fps.",)
        return cls(
            folder,
            tuple(files),
            ClipInfo(
                size=first.size,
                rate=used,
                duration=len(files) / used,
                frames=len(files),
                alpha=first.alpha is not None,
                notes=notes,
            ),
        )

    @property
    def source(self) -> str:
        return str(self.folder)

    @property
    def container(self) -> Path | None:
        return None

    @property
    def repeatable(self) -> bool:
        return True

    def digest(self) -> str:
        lines = [f"{sha256(p)} {self.info.rate}" for p in self.files]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def frames(self, start: Fraction = Fraction(0)) -> Iterator[Shown]:
        """One for each picture."""
        first = max(0, int(start * self.info.rate) - 1)
        for n, path in enumerate(self.files[first:], first):
            yield Shown(n / self.info.rate, 1 / self.info.rate, partial(self._read, path))

    def _read(self, path: Path) -> Picture:
        return Picture.open(path).resized(self.info.size)


@dataclass(frozen=True, slots=True)
class RawFrames:
    """Frames of 8 bits a channel without header, one behind the other, such as FFmpeg's `-f rawvideo`."""

    stream: BinaryIO
    info: ClipInfo

    @classmethod
    def of(cls, stream: BinaryIO, layout: str) -> RawFrames:
        """`layout` is WIDTHxHEIGHT@FPS, for RGBA with :rgba behind it. InputError for anything else."""
        found = _RAW.fullmatch(layout)
        if found is None:
            raise InputError(f"Cannot read --raw {layout}: give WIDTHxHEIGHT@FPS, such as 640x360@25.")
        width, height, rate, pixels = found.groups()
        if int(width) * int(height) > MAX_PIXELS:
            raise too_large(f"--raw {layout}")
        info = ClipInfo(size=(int(width), int(height)), rate=frame_rate(rate), alpha=pixels == "rgba")
        return cls(stream, info)

    @property
    def source(self) -> str:
        return "standard input"

    @property
    def container(self) -> Path | None:
        return None

    @property
    def repeatable(self) -> bool:
        return False

    def digest(self) -> str:
        return ""

    def frames(self, start: Fraction = Fraction(0)) -> Iterator[Shown]:
        """All frames, once. InputError if the last one is cut off, or if there is none."""
        del start
        width, height = self.info.size
        channels = 4 if self.info.alpha else 3
        size, count = width * height * channels, 0
        while data := self.stream.read(size):
            if len(data) < size:
                raise InputError(
                    f"Standard input ended within frame {count + 1}: {len(data)} of {size} bytes came; check --raw."
                )
            read = partial(_picture, data, (height, width, channels))
            yield Shown(count / self.info.rate, 1 / self.info.rate, read)
            count += 1


def _picture(data: bytes, shape: Sequence[int]) -> Picture:
    return Picture.from_array(np.frombuffer(data, np.uint8).reshape(shape), source="standard input")

"""What a clip is, wherever its frames come from."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from av.error import FFmpegError

from diffstyle.core.errors import InputError, explain
from diffstyle.core.picture import Picture

DEFAULT_RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame as a clip shows it: from `time`, for as long as it `lasts`, in seconds. `read` converts its colours, so
    that frames that are skipped cost no more than their decoding.
    """

    time: Fraction
    lasts: Fraction
    read: Callable[[], Picture]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipInfo:
    """What is known of a clip before its frames are read.

    `size` is (width, height) as it is shown: turned, with square pixels. `rate` is in frames a second; `duration`, in
    seconds, and `frames` are what the file states, None if it does not. `notes` are sentences on what is left out.
    """

    size: tuple[int, int]
    rate: Fraction
    duration: Fraction | None = None
    frames: int | None = None
    alpha: bool = False
    notes: tuple[str, ...] = ()


class Clip(Protocol):
    """Frames in the order of time."""

    @property
    def source(self) -> str:
        """What messages call it."""
        ...

    @property
    def info(self) -> ClipInfo: ...

    @property
    def container(self) -> Path | None:
        """The file whose sound, subtitles, chapters and metadata belong to it; None if it has none."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether the frames can be read more than once."""
        ...

    def digest(self) -> str:
        """What tells it from other clips: the sha256 of its files."""
        ...

    def frames(self, start: Fraction = Fraction(0)) -> Iterator[Shown]:
        """All frames that are shown after `start` seconds, perhaps with some that come before."""
        ...


@contextmanager
def decoding(source: str) -> Generator[None]:
    """Turn whatever FFmpeg raises inside into an InputError about `source`."""
    try:
        yield
    except FFmpegError as error:
        if isinstance(error, OSError) and not isinstance(error, ValueError) and error.errno:
            raise explain(error, f"read {source}") from error
        raise InputError(
            f"Cannot read {source}: it is no clip, or it is damaged or cut off; copy or export it again."
        ) from error

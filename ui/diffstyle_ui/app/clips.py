"""Uploaded clips: what is read of them, and what they may be."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av

from diffstyle import Cancelled, InputError
from diffstyle.core.cancelling import cancellable
from diffstyle.core.reading import too_large
from diffstyle.serving.uploaded_files import check_picture
from diffstyle.video.files.clip import Clip, decoding
from diffstyle.video.files.moving_picture import SUFFIXES
from diffstyle.video.files.opening import open_clip
from diffstyle.video.files.timing import Cut, seconds
from diffstyle.video.files.video_file import check_file, main_stream
from diffstyle_ui.app.limits import Limits

T = TypeVar("T")
READ_SECONDS = 30
_FORMATS = (  # FFmpeg's names of containers that hold all they show: a playlist would open other files of the server
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,ogg,flv,asf,mxf,h264,hevc,m4v,mpegvideo,ivf,obu,dv,nut,wtv"
)


@dataclass(frozen=True, slots=True)
class UploadedClip:
    """A clip and its file, whose name is what messages and the recipe call it."""

    path: Path
    clip: Clip

    @property
    def duration(self) -> float | None:
        """Seconds, if the file says how many."""
        length = self.clip.info.duration
        return None if length is None else float(length)

    @property
    def facts(self) -> str:
        """Name, size and length, for people."""
        width, height = self.clip.info.size
        length = "" if self.duration is None else f", {self.duration:.1f} s"
        return f"{self.path.name}, {width}×{height}{length}, {float(self.clip.info.rate):.3g} frames a second"

    def cut(self, begin: str, end: str, limits: Limits) -> Cut:
        """The part from `begin` to `end`, times as `timing.seconds` reads them; an empty one is that of the clip.

        Raises InputError for what is no time, for a part outside the clip, and for one that is longer than the limits
        allow. Of a clip that does not say how long it is, the limits are the end.
        """
        start = seconds(begin) if begin.strip() else Fraction(0)
        cut = Cut(start=start, end=seconds(end) if end.strip() else None)
        duration, most = self.clip.info.duration, limits.max_clip_seconds
        if duration is not None and start >= duration:
            raise InputError(f"{self.path.name} lasts {float(duration):.1f} seconds: begin earlier.")
        length = cut.lasting(duration)
        if length is None:
            return Cut(start=start, end=start + most)
        if length > most:
            raise InputError(
                f"That would be {float(length):.1f} seconds: this server paints at most {most} at a time,"
                " choose a part with From and To."
            )
        return cut


def read_clip(path: Path, limits: Limits) -> UploadedClip:
    """The clip in an upload; for use behind a gate.

    Raises InputError for what is no clip, for more than `limits.max_pixels`, and for a file that takes longer than
    `READ_SECONDS` to look through.
    """

    def read() -> UploadedClip:
        if path.suffix.lower() in SUFFIXES:
            check_picture(path, limits)
        else:
            _check_container(path, limits)
        clip = open_clip(path)
        width, height = clip.info.size
        if width * height > limits.max_pixels:
            raise too_large(path.name, limits.max_pixels)
        return UploadedClip(path, clip)

    late = f"Cannot use {path.name}: it takes longer than {READ_SECONDS} seconds to read, make it shorter."
    return within(READ_SECONDS, lambda: named(path, read), late)


def named(path: Path, read: Callable[[], T]) -> T:
    """What `read` makes of a file. Messages contain the file's name without folders."""
    try:
        return read()
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error


def within(most: float, work: Callable[[], T], late: str) -> T:
    """What `work` returns; InputError that says `late` if that takes longer than `most` seconds."""
    begun = time.monotonic()
    try:
        with cancellable(lambda: time.monotonic() - begun > most):
            return work()
    except Cancelled:
        raise InputError(late) from None


def _check_container(path: Path, limits: Limits) -> None:
    """InputError for a container of other kinds, and for more pixels than the limits allow, before any is decoded."""
    check_file(path)
    with decoding(str(path)):
        container = av.open(f"file:{path}", "r", metadata_errors="replace", options={"format_whitelist": _FORMATS})
    with container:
        stream = main_stream(container, path)
        if stream.width * stream.height > limits.max_pixels:
            raise too_large(path.name, limits.max_pixels)

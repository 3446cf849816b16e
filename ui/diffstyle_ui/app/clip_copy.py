"""A small copy of what is read of a clip, which every browser plays beside the painted one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import cast

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from diffstyle import Picture
from diffstyle.video.clip import Clip, ClipInfo, Shown
from diffstyle.video.colours import to_frame
from diffstyle.video.encoding import Encoding, encoding_for

SIDE, QUALITY = 640, 55
_TICK = Fraction(1, 90_000)


class CopiedClip:
    """`clip`, whose frames are also written, small, to `file`, an MP4, as they are read, with times from `start`.

    `source` is what messages and recipes call it. `most` is the number of seconds that are read, whatever the file says
    of its length. It is read once. Close it when all is read.
    """

    repeatable = False

    def __init__(self, clip: Clip, file: Path, *, source: str, start: Fraction, most: float) -> None:
        self.clip, self.file, self.source, self.start, self.most = clip, file, source, start, most
        self.encoding: Encoding = encoding_for("mp4", None, quality=QUALITY, alpha=False, depth=8)
        self._made: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._last = -1

    @property
    def info(self) -> ClipInfo:
        return self.clip.info

    @property
    def container(self) -> Path | None:
        return self.clip.container

    def digest(self) -> str:
        return self.clip.digest()

    def frames(self, start: Fraction = Fraction(0)) -> Iterator[Shown]:
        """All frames of the clip within the limits; what reads one copies it."""
        for shown in self.clip.frames(start):
            if shown.time - self.start > self.most:
                return
            yield replace(shown, read=partial(self._read, shown))

    def close(self) -> None:
        """Finish the file."""
        if self._made is not None and self._stream is not None:
            self._made.mux(self._stream.encode(None))
            self._made.close()
        self._made = self._stream = None

    def _read(self, shown: Shown) -> Picture:
        picture = shown.read()
        ticks = max(0, round((shown.time - self.start) / _TICK))
        if ticks > self._last:  # the first frame is read twice, for the recipe as well
            self._last = ticks
            self._write(picture, ticks)
        return picture

    def _write(self, picture: Picture, ticks: int) -> None:
        width, height = picture.reduced(SIDE).size
        small = picture.resized((max(2, width // 2 * 2), max(2, height // 2 * 2)))
        frame = to_frame(small, self.encoding.pixels, self.encoding.matrix)
        if self._made is None:
            self._made = av.open(f"file:{self.file}", "w", format="mp4", options={"movflags": "faststart"})
            made = self._made.add_stream(self.encoding.encoder, self.info.rate, dict(self.encoding.options))
            self._stream = cast("VideoStream", made)
            self._stream.width, self._stream.height = frame.width, frame.height
            self._stream.pix_fmt = self.encoding.pixels
            self._stream.codec_context.time_base = _TICK
        assert self._stream is not None
        frame.pts, frame.time_base = ticks, _TICK
        self._made.mux(self._stream.encode(frame))

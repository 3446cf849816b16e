"""A file of pictures that are encoded as they come, each with its time."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from diffstyle.core.picture import Picture
from diffstyle.video.files.colours import to_frame
from diffstyle.video.files.encoding import Encoding
from diffstyle.video.files.scheduling import same_scheduling

_TICKS = {"matroska": 1000, "webm": 1000}  # a second
_USUAL = 90_000
_DEVICES = ("v4l2",)  # formats whose names are those of devices


class TimedFile:
    """Writes a container of that `kind`. Pictures of one size; times rise, and those that do not are left out."""

    def __init__(
        self, path: Path, kind: str, encoding: Encoding, rate: Fraction, options: Mapping[str, str] | None = None
    ) -> None:
        """`options` are the encoder's own, besides those of `encoding`."""
        self.path, self.kind, self.encoding, self.rate = path, kind, encoding, rate
        self.options = {**encoding.options, **(options or {})}
        self._base = Fraction(1, _TICKS.get(kind, _USUAL))
        self._made: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._last = -1

    def write(self, picture: Picture, time: Fraction) -> None:
        """Add a picture that is shown from `time` on, in seconds."""
        ticks = max(0, round(time / self._base))
        if ticks <= self._last:
            return
        self._last = ticks
        frame = to_frame(picture, self.encoding.pixels, self.encoding.matrix)
        made, stream = self._begun(frame.width, frame.height)
        frame.pts, frame.time_base = ticks, self._base
        made.mux(stream.encode(frame))

    def close(self) -> None:
        """Finish the file; there is none if nothing was written."""
        if self._made is not None and self._stream is not None:
            self._made.mux(self._stream.encode(None))
            self._made.close()
        self._made = self._stream = None

    def _begun(self, width: int, height: int) -> tuple[OutputContainer, VideoStream]:
        if self._made is None or self._stream is None:
            options = {"movflags": "faststart"} if self.kind in ("mp4", "mov") else {}
            name = str(self.path) if self.kind in _DEVICES else f"file:{self.path}"
            self._made = av.open(name, "w", format=self.kind, options=options)
            stream = cast("VideoStream", self._made.add_stream(self.encoding.encoder, self.rate, self.options))
            stream.width, stream.height, stream.pix_fmt = width, height, self.encoding.pixels
            stream.codec_context.time_base = self._base
            with same_scheduling():
                stream.codec_context.open()
            self._stream = stream
        return self._made, self._stream

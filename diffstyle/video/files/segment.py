"""One part of a clip, encoded by itself."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.formats.atomic import write_atomic
from diffstyle.formats.picture_file import encode
from diffstyle.video.files.colours import FULL, LIMITED, to_frame
from diffstyle.video.files.encoding import Encoding
from diffstyle.video.files.scheduling import same_scheduling

_QUIET = {"SVT_LOG": "1"}


class EncodedSegment:
    """Writes pictures to a Matroska file. Its times are frame numbers: the true ones are kept apart, for Matroska
    rounds them. A picture is encoded in a thread of its own, while the next one is painted.
    """

    def __init__(self, path: Path, encoding: Encoding, rate: Fraction) -> None:
        import os

        os.environ.update({k: v for k, v in _QUIET.items() if k not in os.environ})
        self._container = av.open(f"file:{path}", "w", format="matroska")
        self._encoding, self._rate = encoding, rate
        self._stream: VideoStream | None = None
        self._count = 0
        self._thread = ThreadPoolExecutor(1, "encoder")
        self._encoding_now: Future[None] | None = None

    def write(self, picture: Picture) -> None:
        """Add the next picture; all have one size. Errors of one picture are raised with the next or by `close`."""
        self._wait()
        self._encoding_now = self._thread.submit(self._encode, picture)

    def close(self) -> None:
        """Finish the file."""
        self._thread.shutdown()  # after an interrupted `write`, a picture may still be in the codec
        try:
            self._wait()
            if self._stream is not None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def _wait(self) -> None:
        """Until the last picture is encoded."""
        encoding, self._encoding_now = self._encoding_now, None
        if encoding is not None:
            encoding.result()

    def _encode(self, picture: Picture) -> None:
        frame = to_frame(picture, self._encoding.pixels, self._encoding.matrix)
        frame.pts, frame.time_base = self._count, 1 / self._rate
        self._count += 1
        try:
            if self._stream is None:
                self._stream = self._begin(frame.width, frame.height)
            packets = cast("list[Any]", cast("Any", self._stream).encode(frame))
        except (FFmpegError, ValueError) as error:
            raise InputError(
                f"The codec {self._encoding.codec} does not encode pictures of {frame.width}x{frame.height}"
                " as a clip: choose another one with --codec."
            ) from error
        self._container.mux(packets)

    def _begin(self, width: int, height: int) -> VideoStream:
        stream = self._container.add_stream(self._encoding.encoder, self._rate, dict(self._encoding.options))
        stream = cast("VideoStream", stream)
        stream.width, stream.height, stream.pix_fmt = width, height, self._encoding.pixels
        stream.codec_context.time_base = 1 / self._rate
        stream.codec_context.sample_aspect_ratio = Fraction(1)
        context: Any = stream.codec_context
        context.color_primaries = context.color_trc = 1
        rgb = stream.codec_context.format is not None and stream.codec_context.format.is_rgb
        context.colorspace, context.color_range = (0, FULL) if rgb else (self._encoding.matrix, LIMITED)
        with same_scheduling():
            context.open()
        return stream


class FrameSegment:
    """Writes pictures as PNG files into a folder, numbered from `first`."""

    def __init__(self, folder: Path, first: int, *, depth: int) -> None:
        folder.mkdir()
        self._folder, self._next, self._depth = folder, first, depth

    def write(self, picture: Picture) -> None:
        """Add the next picture."""
        data = encode(picture, "PNG", "", depth=self._depth)
        write_atomic(self._folder / f"{self._next:06}.png", lambda file: file.write(data))
        self._next += 1

    def close(self) -> None:
        """There is nothing left to do."""

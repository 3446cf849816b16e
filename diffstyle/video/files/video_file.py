"""Clips in the containers and codecs that FFmpeg reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av import VideoFrame
from av.codec import CodecContext
from av.container import InputContainer
from av.error import FFmpegError
from av.sidedata.sidedata import Type
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from diffstyle.core.cancelling import check_cancelled
from diffstyle.core.errors import InputError, explain
from diffstyle.core.hdr import HLG, PQ
from diffstyle.core.picture import Picture
from diffstyle.core.reading import MAX_PIXELS, too_large, turned
from diffstyle.core.user_path import check_regular
from diffstyle.formats.atomic import sha256
from diffstyle.video.files.clip import DEFAULT_RATE, ClipInfo, Shown, decoding
from diffstyle.video.files.colours import has_alpha, to_array

_MICRO = 1_000_000
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own decoders leave alpha out
_ORIENTATIONS = {  # signs of the display matrix, row by row, as an orientation of EXIF
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}
_QUARTERS = (1, 8, 3, 6)  # orientations of 0, 90, 180 and 270 degrees, counterclockwise
_ON_ITS_SIDE = 5  # from this orientation on, width and height are exchanged


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A clip in a file. `origin` is the time, by the file's clock, at which it begins; `damaged` the times, by the same
    clock, of what could not be decoded so far.
    """

    path: Path
    info: ClipInfo
    origin: Fraction
    damaged: set[int] = field(default_factory=set[int])

    @classmethod
    def open(cls, path: Path) -> VideoFile:
        """Look at a file, and decode its first frame. InputError if there is none."""
        check_file(path)
        with decoding(str(path)), opened(path) as container:
            if container.format.name == "image2" or container.format.name.endswith("_pipe"):
                raise one_picture(path)
            stream = main_stream(container, path)
            origin = clip_origin(container)
            rate = _rate(stream)
            notes = [*_left_out(container, path)]
            first = next(_decoded(container, stream, set()), None)
            if first is None:
                raise InputError(f"Cannot read {path}: not one frame can be decoded; copy or export it again.")
            upright = _picture(first, _orientation(first), _square(stream), str(path))
            if first.color_trc in (PQ, HLG):
                notes.append(f"{path} is HDR: its colours are compressed to sRGB.")
            if first.interlaced_frame:
                notes.append(f"{path} is interlaced: each pair of fields is painted as one frame.")
            info = ClipInfo(
                size=upright.size,
                rate=rate,
                duration=_duration(container, stream),
                frames=stream.frames or None,
                alpha=has_alpha(first.format),
                notes=tuple(notes),
            )
            return cls(path, info, origin)

    @property
    def source(self) -> str:
        return str(self.path)

    @property
    def container(self) -> Path | None:
        return self.path

    @property
    def repeatable(self) -> bool:
        return True

    def digest(self) -> str:
        return sha256(self.path)

    def frames(self, start: Fraction = Fraction(0)) -> Iterator[Shown]:
        """All frames that are shown after `start` seconds, with some before. What is damaged is skipped."""
        with decoding(self.source), opened(self.path) as container:
            stream = main_stream(container, self.path)
            frames = self._shown(container, stream, start)
            first = next(frames, None)
            if start > 0 and (first is None or first.time > start):  # a container that cannot seek
                container.seek(0, backward=True)
                frames = self._shown(container, stream, Fraction(0))
                first = next(frames, None)
            if first is not None:
                yield first
            yield from frames

    def _shown(self, container: InputContainer, stream: VideoStream, start: Fraction) -> Iterator[Shown]:
        if start > 0:
            try:
                container.seek(int((self.origin + start) * _MICRO), backward=True)
            except FFmpegError:
                container.seek(0, backward=True)
        square, after = _square(stream), Fraction(0)
        orientations: dict[
            int, int
        ] = {}  # of angles; looked up once, for PyAV never frees a frame whose side data is read
        for frame in _decoded(container, stream, self.damaged):
            base = frame.time_base or stream.time_base or Fraction(1, _MICRO)
            time = after if frame.pts is None else frame.pts * base - self.origin
            lasts = frame.duration * base if frame.duration else 1 / self.info.rate
            after, angle = time + lasts, frame.rotation
            if angle not in orientations:
                orientations[angle] = _orientation(frame)
            yield Shown(time, lasts, _Reader(frame, orientations[angle], square, self.info.size, self.source))


@dataclass(frozen=True, slots=True)
class _Reader:
    frame: VideoFrame
    orientation: int
    square: Fraction
    size: tuple[int, int]
    source: str

    def __call__(self) -> Picture:
        picture = _picture(self.frame, self.orientation, self.square, self.source)
        return picture.resized(self.size)  # where the size changes midway


def check_file(path: Path) -> None:
    """InputError for a file that is missing, empty, or a device."""
    try:
        check_regular(path)
        if path.stat().st_size == 0:
            raise InputError(f"Cannot read {path}: the file is empty, copy it again.")
    except OSError as error:
        raise explain(error, f"read {path}") from error


def one_picture(path: Path) -> InputError:
    """What is said of a photo that is given as a clip."""
    return InputError(f"{path} is one picture: `diffstyle stylize` paints it.")


def opened(path: Path) -> InputContainer:
    """The container in a file, for use within `decoding`. Its name is never taken for an address."""
    return av.open(f"file:{path}", "r", metadata_errors="replace")


def main_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream of moving pictures. InputError if there is none."""
    found = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not found:
        raise InputError(f"Cannot read {path}: there are no moving pictures in it; give a clip.")
    best = max(found, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height))
    if best.width * best.height > MAX_PIXELS:
        raise too_large(str(path))
    best.thread_type = cast("Any", "AUTO")
    return best


def _decoded(container: InputContainer, stream: VideoStream, damaged: set[int]) -> Iterator[VideoFrame]:
    """All frames that can be decoded; the times of packets that cannot be, or not wholly, go into `damaged`."""
    context: Any = stream.codec_context
    other = _ALPHA_DECODERS.get(stream.codec_context.name)
    if other is not None and _has_alpha_beside(stream):
        context = CodecContext.create(other, "r")
    for packet in container.demux(stream):
        check_cancelled()
        try:
            frames = cast("list[VideoFrame]", context.decode(packet if packet.size else None))
        except FFmpegError as error:
            if isinstance(error, EOFError):
                return
            damaged.add(packet.pts or packet.dts or 0)
            continue
        for frame in frames:
            if frame.is_corrupt:
                damaged.add(frame.pts or 0)
            if frame.pts is None and packet.pts is not None and not stream.has_b_frames:
                frame.pts = packet.pts
            if not frame.time_base or context is not stream.codec_context:
                frame.time_base = packet.time_base
            yield frame


def _has_alpha_beside(stream: Stream) -> bool:
    """Whether a WebM says that its alpha channel is coded beside the pictures."""
    return {k.lower(): v for k, v in stream.metadata.items()}.get("alpha_mode") == "1"


def _picture(frame: VideoFrame, orientation: int, square: Fraction, source: str) -> Picture:
    """A decoded frame as it is shown: turned, with square pixels."""
    picture = Picture.from_array(np.ascontiguousarray(turned(to_array(frame), orientation)), source=source)
    if square == 1:
        return picture
    width, height = picture.size
    wide = 1 / square if orientation >= _ON_ITS_SIDE else square
    # the smaller side grows, so that nothing is lost
    return picture.resized((round(width * wide), height) if wide > 1 else (width, round(height / wide)))


def _orientation(frame: VideoFrame) -> int:
    """How a frame is to be turned, as an orientation of EXIF; the nearest quarter turn."""
    try:
        data = cast("Any", frame).side_data.get(Type.DISPLAYMATRIX)
    except ValueError:  # side data of a kind that PyAV does not know, such as EXIF, hides all the others
        return _QUARTERS[round(frame.rotation / 90) % 4]
    if data is None:
        return 1
    a, b, _, c, d = np.frombuffer(bytes(data), "<i4")[:5] / 65536
    straight = abs(a) + abs(d) >= abs(b) + abs(c)
    signs = (int(np.sign(a)), 0, 0, int(np.sign(d))) if straight else (0, int(np.sign(b)), int(np.sign(c)), 0)
    return _ORIENTATIONS.get(signs, 1)


def _square(stream: VideoStream) -> Fraction:
    """The width of a pixel for a height of 1."""
    ratio = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return ratio if ratio and Fraction(1, 8) <= ratio <= 8 else Fraction(1)


def _rate(stream: VideoStream) -> Fraction:
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate
    return Fraction(rate) if rate and 0 < rate <= 1000 else DEFAULT_RATE


def clip_origin(container: InputContainer) -> Fraction:
    """When a clip begins, by its own clock."""
    starts = [
        s.start_time * s.time_base
        for s in container.streams
        if s.type in ("video", "audio") and s.start_time is not None and s.time_base
    ]
    return max(Fraction(0), min(starts, default=Fraction(0)))


def _duration(container: InputContainer, stream: VideoStream) -> Fraction | None:
    found = [stream.duration * stream.time_base] if stream.duration and stream.time_base else []
    if container.duration:
        begin = clip_origin(container) if "matroska" in container.format.name else 0  # Matroska counts from 0
        found.append(Fraction(container.duration, _MICRO) - begin)
    return min(found, default=None)


def _left_out(container: InputContainer, path: Path) -> Iterator[str]:
    pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if len(pictures) > 1:
        yield f"{path} holds {len(pictures)} streams of pictures: only the main one is used."
    if len(pictures) < len(container.streams.video):
        yield f"The cover picture in {path} is left out."

"""Clips that tests make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av import AudioFrame, VideoFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from diffstyle.core.picture import Picture
from diffstyle.video.files.colours import to_frame

Array = npt.NDArray[Any]
BARS = ((255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0), (0, 0, 255), (9, 9, 9))


def bars(width: int = 64, height: int = 48) -> npt.NDArray[np.uint8]:
    """Colour bars of three quarters of full light, (H, W, 3), 8 pixels wide each."""
    columns = np.repeat(np.array(BARS, np.float32) * 0.75, width // 8, 0)
    return np.broadcast_to(columns.round().astype(np.uint8), (height, columns.shape[0], 3)).copy()


def moving(n: int, width: int = 64, height: int = 48) -> npt.NDArray[np.uint8]:
    """Frame `n` of a soft pattern with a square that moves across it."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    soft = np.stack([128 + 90 * np.sin(x / 11), 128 + 90 * np.sin(y / 9), 128 + 60 * np.sin((x + y) / 13)], -1)
    left = (3 * n) % max(1, width - 12)
    soft[8:20, left : left + 12] = (230, 40, 40)
    return soft.round().astype(np.uint8)


def write_clip(
    path: Path,
    frames: Sequence[Array],
    *,
    rate: Fraction | int = 10,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Sequence[float] | None = None,
    options: Mapping[str, str] | None = None,
    colours: tuple[int, int, int, int] | None = (1, 1, 1, 1),
    square: Fraction | None = None,
    rotation: int = 0,
    mirrored: bool = False,
    sound: float = 0,
    metadata: Mapping[str, str] | None = None,
    ready: Sequence[VideoFrame] = (),
) -> Path:
    """A clip of arrays, or of `ready` frames.

    `colours` are matrix, range, primaries and transfer as they are stated, `times` seconds, `sound` the length of a
    tone.
    """
    with av.open(str(path), "w") as made:
        stream = cast("VideoStream", made.add_stream(codec, Fraction(rate), dict(options or {"crf": "4"})))
        made_frames = ready or [to_frame(Picture.from_array(f), pixels) for f in frames]
        stream.width, stream.height, stream.pix_fmt = made_frames[0].width, made_frames[0].height, pixels
        stream.codec_context.time_base = Fraction(1, 1000) if times else 1 / Fraction(rate)
        context: Any = stream.codec_context
        if colours:
            context.colorspace, context.color_range, context.color_primaries, context.color_trc = colours
        if square:
            stream.codec_context.sample_aspect_ratio = square
        if rotation or mirrored:
            stream.set_display_rotation(rotation, hflip=mirrored)
        tone = made.add_stream("aac", 44100) if sound else None
        made.metadata.update(metadata or {})
        for n, frame in enumerate(made_frames):
            frame.pts = round(times[n] * 1000) if times else n
            frame.time_base = stream.codec_context.time_base
            if colours:
                frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc = colours
            made.mux(stream.encode(frame))
        made.mux(stream.encode(None))
        if tone is not None:
            _write_tone(made, tone, sound)
    return path


def _write_tone(made: OutputContainer, stream: AudioStream, seconds: float) -> None:
    wave = np.sin(np.arange(round(44100 * seconds)) * 0.06).astype(np.float32) * 0.4
    for n in range(0, len(wave), 1024):
        samples = np.ascontiguousarray(np.stack([wave[n : n + 1024]] * 2))
        frame = AudioFrame.from_ndarray(cast("Any", samples), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 44100, n
        made.mux(stream.encode(frame))
    made.mux(stream.encode(None))


def read_arrays(path: Path) -> list[Array]:
    """The frames of a clip, (H, W, 3 or 4) uint8, as diffstyle reads them."""
    from diffstyle.video.files.opening import open_clip

    return [shown.read().to_array() for shown in open_clip(path).frames()]


def packets_of(path: Path, kind: str) -> list[bytes]:
    """The packets of the first stream of a kind, as they are stored."""
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [bytes(cast("Any", p)) for p in container.demux(stream) if p.size]

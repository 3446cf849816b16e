"""GIF and animated WebP: read by Pillow, written from segments by FFmpeg."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import av
from av import VideoFrame
from av.filter import Graph
from av.video.stream import VideoStream
from PIL import Image

from diffstyle.core.cancelling import check_cancelled
from diffstyle.core.picture import Picture
from diffstyle.core.reading import check_size, reading
from diffstyle.formats.atomic import sha256
from diffstyle.formats.picture_file import exif_block
from diffstyle.video.files.clip import ClipInfo, Shown
from diffstyle.video.files.video_file import check_file, one_picture
from diffstyle.video.files.work_folder import Part

SUFFIXES = (".gif", ".webp", ".png", ".apng")
_UNSAID = 100  # milliseconds that browsers show a frame whose time is hardly anything
_TOO_SHORT = 10
_COMMENT = b"!\xfe"  # the block of a GIF that holds a comment
_TICKS = {"gif": 100, "webp": 1000}  # a second


@dataclass(frozen=True, slots=True)
class MovingPicture:
    """A clip in a GIF, WebP or PNG file."""

    path: Path
    info: ClipInfo

    @classmethod
    def open(cls, path: Path) -> MovingPicture:
        """Look through a file. InputError if it is damaged, or holds only one picture."""
        check_file(path)
        total, alpha, count, size = 0, False, 0, (0, 0)
        for image, lasts in _images(path):
            size = image.size
            total, count = total + lasts, count + 1
            alpha = alpha or ("A" in image.mode and cast("Any", image).getextrema()[-1][0] < 255)
        if count == 1 and path.suffix.lower() not in (".gif", ".webp"):
            raise one_picture(path)
        duration = Fraction(total, 1000)
        return cls(path, ClipInfo(size=size, rate=count / duration, duration=duration, frames=count, alpha=alpha))

    @property
    def source(self) -> str:
        return str(self.path)

    @property
    def container(self) -> Path | None:
        return None

    @property
    def repeatable(self) -> bool:
        return True

    def digest(self) -> str:
        return sha256(self.path)

    def frames(self, start: Fraction = Fraction(0)) -> Iterator[Shown]:
        """All frames: none can be skipped, for each is drawn on the one before."""
        del start
        time = 0
        for image, lasts in _images(self.path):
            shown = image if self.info.alpha else image.convert("RGB")
            yield Shown(Fraction(time, 1000), Fraction(lasts, 1000), _Reader(shown, self.source))
            time += lasts


@dataclass(frozen=True, slots=True)
class _Reader:
    image: Image.Image
    source: str

    def __call__(self) -> Picture:
        return Picture.from_pil(self.image, source=self.source)


def _images(path: Path) -> Iterator[tuple[Image.Image, int]]:
    """Each frame, RGBA, and how many milliseconds it lasts."""
    with reading(str(path)), Image.open(path) as image:
        check_size(image, str(path))
        for n in range(getattr(image, "n_frames", 1)):
            check_cancelled()
            image.seek(n)
            image.load()
            lasts = round(float(image.info.get("duration", 0)))
            yield image.convert("RGBA"), lasts if lasts > _TOO_SHORT else _UNSAID


def write_moving(parts: Sequence[Part], out: Path, kind: str, *, alpha: bool, quality: int | None, text: str) -> None:
    """Encode the frames of all segments as a GIF, each with its own palette, or as a WebP; it repeats for ever."""
    base = Fraction(1, _TICKS[kind])
    times = [t for part in parts for t in part.times]
    end = parts[-1].end
    name = {"gif": "gif", "webp": "libwebp_anim"}[kind]
    lossy = {} if quality is None else {"quality": str(quality), "lossless": "0"}
    options = ({"lossless": "1"} | lossy) if kind == "webp" else {}
    with av.open(f"file:{out}", "w", format=kind, options={"loop": "0"}) as made:
        stream: VideoStream | None = None
        palette: Graph | None = None
        before = -1
        for n, frame in enumerate(_frames(parts)):
            if kind == "gif" and palette is None:
                palette = _palette(frame, alpha=alpha)
            shown = frame if palette is None else _filtered(palette, frame)
            if stream is None:
                stream = cast("VideoStream", made.add_stream(name, _TICKS[kind], options))
                stream.width, stream.height = frame.width, frame.height
                stream.pix_fmt = "pal8" if kind == "gif" else "bgra"
                stream.codec_context.time_base = base
            before = max(round(times[n] / base), before + 1)
            until = times[n + 1] if n + 1 < len(times) else end
            shown.pts, shown.time_base = before, base
            shown.duration = max(1, round(until / base) - before)
            made.mux(stream.encode(shown))
        if stream is not None:
            made.mux(stream.encode(None))
    if text:
        out.write_bytes(_with_comment(out.read_bytes(), text) if kind == "gif" else _with_exif(out.read_bytes(), text))


def _frames(parts: Sequence[Part]) -> Iterator[VideoFrame]:
    for part in parts:
        with av.open(f"file:{part.path}", "r") as container:
            yield from container.decode(container.streams.video[0])


def _palette(frame: VideoFrame, *, alpha: bool) -> Graph:
    """A filter that gives each frame a palette of its own."""
    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000))
    split = graph.add("split")
    made = graph.add("palettegen", f"stats_mode=single:reserve_transparent={int(alpha)}")
    used = graph.add("paletteuse", "new=1:dither=sierra2_4a:alpha_threshold=128")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(used, 0, 0)
    split.link_to(made, 1, 0)
    made.link_to(used, 0, 1)
    used.link_to(sink)
    graph.configure()
    return graph


def _filtered(graph: Graph, frame: VideoFrame) -> VideoFrame:
    graph.push(frame)
    return cast("VideoFrame", graph.pull())


def _with_comment(data: bytes, text: str) -> bytes:
    """A GIF with a comment behind its header."""
    colours = 3 * 2 ** ((data[10] & 7) + 1) if data[10] & 0x80 else 0
    start, said = 13 + colours, text.encode("ascii")
    blocks = [said[n : n + 255] for n in range(0, len(said), 255)]
    return data[:start] + _COMMENT + b"".join(bytes([len(b)]) + b for b in blocks) + b"\0" + data[start:]


def _with_exif(data: bytes, text: str) -> bytes:
    """A WebP with an EXIF block at its end, which its header announces."""
    block = exif_block(text).removeprefix(b"Exif\0\0")
    chunk = b"EXIF" + struct.pack("<I", len(block)) + block + b"\0" * (len(block) % 2)
    body = data[12:]
    if body[:4] != b"VP8X":  # frames that are all alike are stored as one picture, without such a header
        with Image.open(BytesIO(data)) as image:
            sides = b"".join(struct.pack("<I", side - 1)[:3] for side in image.size)
            alpha = 0x10 if image.mode == "RGBA" else 0
        body = b"VP8X" + struct.pack("<II", 10, alpha) + sides + body
    body = body[:8] + bytes([body[8] | 0x08]) + body[9:] + chunk
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body

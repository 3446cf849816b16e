"""How a clip is encoded: which codec for which file, by which encoder, in which pixel format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
from av.codec import Codec
from av.codec.codec import UnknownCodecError

from diffstyle.core.errors import InputError
from diffstyle.video.files.colours import BT601, BT709, has_alpha

BEST = 100
USUAL = 70  # the quality when nobody says otherwise: x264's crf 16
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
PICTURES = {".gif": "gif", ".webp": "webp"}  # files of moving pictures without sound
FRAMES = "png"  # the codec that means a folder of frames
_PLAIN = ("yuv420p", "yuvj420p", "yuv422p", "yuv444p", "gbrp", "bgr0", "rgb24")
_DEEP = ("yuv420p10le", "yuv422p10le", "yuv444p10le")
_CLEAR = ("yuva420p", "yuva444p", "bgra", "rgba", "argb")
_EXACT = ("gbrp", "bgr0", "rgb24")


@dataclass(frozen=True, slots=True)
class _Known:
    """A codec: FFmpeg's `encoders` of it, best first; the suffix of its own file; the `worst` number of its scale of
    quality, 0 if it has none; `quick`, the options to add where speed counts more than size; the pixel formats to
    prefer to the usual ones, plain, deep and with alpha.
    """

    encoders: tuple[str, ...]
    suffix: str
    worst: int = 0
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    quick: Mapping[str, str] = field(default_factory=dict[str, str])
    plain: tuple[str, ...] = _PLAIN
    deep: tuple[str, ...] = _DEEP
    clear: tuple[str, ...] = _CLEAR


_FAST = {"preset": "superfast"}  # x264: a fifth of the time; a fifth more bytes, 1.8 dB less PSNR
_KNOWN: Mapping[str, _Known] = {
    # four threads everywhere: with as many as there are cores, another machine would write other bytes; with mbtree
    # even the same machine does, every time
    "h264": _Known(
        ("libx264", "libopenh264"), ".mp4", 51, {"threads": "4", "x264-params": "mbtree=0"}, _FAST, clear=()
    ),
    "hevc": _Known(("libx265",), ".mp4", 51, {"x265-params": "log-level=error:frame-threads=2"}, _FAST, clear=()),
    "av1": _Known(("libsvtav1", "libaom-av1"), ".mp4", 63, {"preset": "8"}, {"preset": "10"}, clear=()),
    "vp9": _Known(("libvpx-vp9",), ".webm", 63, {"b": "0", "cpu-used": "4", "threads": "4"}, {"cpu-used": "8"}),
    "vp8": _Known(("libvpx",), ".webm", 63, {"b": "50M", "cpu-used": "2", "threads": "4"}),
    "prores": _Known(("prores_ks",), ".mov", plain=("yuv422p10le",), deep=("yuv422p10le",), clear=("yuva444p10le",)),
    "ffv1": _Known(("ffv1",), ".mkv", options={"level": "3"}, plain=_EXACT, deep=("gbrp16le",), clear=("bgra",)),
}
_OF_CONTAINER = {"webm": "vp9"}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a stream of pictures is encoded: FFmpeg's names of encoder and pixel format, and the encoder's options."""

    codec: str
    encoder: str
    pixels: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def matrix(self) -> int:
        """That of luma and chroma: VP8 knows only the old one."""
        return BT601 if self.codec == "vp8" else BT709

    @property
    def alpha(self) -> bool:
        """Whether it keeps alpha."""
        return has_alpha(av.VideoFormat(self.pixels, 64, 64))


EXACT = Encoding("ffv1", "ffv1", "bgra", {"level": "3"})
"""Without loss, for what is encoded again later."""


def suffix_of(codec: str | None) -> str:
    """How the name of a clip ends when only its codec is chosen; "" for a folder of frames."""
    if codec is None or codec == FRAMES:
        return "" if codec else ".mp4"
    own = {kind: suffix for suffix, kind in PICTURES.items()}
    return own.get(codec) or (_KNOWN[codec].suffix if codec in _KNOWN else ".mkv")


def check_name(out: Path, codec: str | None) -> str:
    """The kind of file that `out` names: one of CONTAINERS or PICTURES, or "png" for a folder of frames.

    Raises InputError for a name that no clip has, and for a codec that such a file does not hold.
    """
    if codec == FRAMES:
        return FRAMES
    suffix = out.suffix.lower()
    kind = CONTAINERS.get(suffix) or PICTURES.get(suffix)
    if kind is None:
        known = ", ".join([*CONTAINERS, *PICTURES])
        raise InputError(f"Cannot write {out}: end the name in one of {known}, or add --codec png for a folder.")
    if kind in PICTURES.values() and codec not in (None, kind):
        raise InputError(f"Cannot write {out}: a {suffix} file has no other codec, leave --codec out.")
    if kind not in PICTURES.values() and codec in PICTURES.values():
        raise InputError(f"Cannot write {out}: for --codec {codec} end the name in .{codec}.")
    return kind


def encoding_for(
    kind: str, codec: str | None, *, quality: int | None, alpha: bool, depth: int, quick: bool = False
) -> Encoding:
    """How pictures are encoded for a container of that `kind`; with `quick`, in less time and more bytes.

    Raises InputError for a codec that this FFmpeg cannot encode, or that the container does not hold, and for a
    `quality` where the codec has none.
    """
    if kind in PICTURES.values() or kind == FRAMES:
        if quality is not None and kind != "webp":
            raise InputError(f"{kind.upper()} has no quality: leave --quality out.")
        return EXACT
    name = codec or _OF_CONTAINER.get(kind, "h264")
    known = _KNOWN.get(name, _Known((name,), ".mkv"))
    found = next((c for c in map(_encoder, known.encoders) if c is not None), None)
    if found is None:
        raise InputError(f"This FFmpeg has no encoder for {name}: choose one of {', '.join(encodable())}.")
    supported = _supported(kind)
    if found.canonical_name not in supported and name not in supported:
        others = ", ".join(c for c in encodable() if c in supported)
        raise InputError(f"A {kind} file does not hold {name}: choose one of {others}, or another name.")
    options = {**known.options, **(known.quick if quick else {})}
    if known.worst:
        best = USUAL if quality is None else quality
        options["crf"] = str(max(1, round(known.worst * (1 - best / BEST * 0.98))))
    elif quality is not None:
        raise InputError(f"The codec {name} has no quality: leave --quality out.")
    offered = [f.name for f in found.video_formats or []]
    wanted = [*(known.clear if alpha else ()), *(known.deep if depth > 8 else ()), *known.plain]
    pixels = next((f for f in wanted if f in offered), offered[0] if offered else "yuv420p")
    if name == "prores":
        options["profile"] = "4" if "444" in pixels else "3"
    if name in ("vp8", "vp9") and pixels.startswith("yuva"):
        options["auto-alt-ref"] = "0"  # the alpha channel cannot follow hidden frames
    return Encoding(name, found.name, pixels, options)


def encodable() -> Sequence[str]:
    """The well-known codecs that this FFmpeg encodes."""
    return [name for name, known in _KNOWN.items() if any(map(_encoder, known.encoders))]


def _encoder(name: str) -> Codec | None:
    try:
        found = Codec(name, "w")
    except UnknownCodecError:
        return None
    return found if found.type == "video" else None


def _supported(kind: str) -> set[str]:
    """The names of the codecs that a container holds, by FFmpeg's own account."""
    with av.open(_Nowhere(), "w", format=kind) as container:
        return container.supported_codecs


class _Nowhere:
    """A file that keeps nothing."""

    def write(self, data: bytes) -> int:
        return len(data)

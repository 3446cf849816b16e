"""Joins segments to one file without encoding them again, with the sound and all else that the clip came with."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any, TypeAlias, cast

import av
from av import Packet
from av.container import InputContainer, OutputContainer
from av.error import InvalidDataError
from av.stream import AttachmentStream, Stream

from diffstyle.video.files.clip import decoding
from diffstyle.video.files.timing import Cut
from diffstyle.video.files.video_file import clip_origin, main_stream, opened
from diffstyle.video.files.work_folder import Part

KEY = "diffstyle"
_FINEST = 1_000_000  # ticks a second
_USUAL = 90_000
_OF_THE_FILE = {"major_brand", "minor_version", "compatible_brands", "encoder", KEY}
_OF_THE_STREAM = {"encoder", "duration", "bps", "number_of_frames", "number_of_bytes", "rotate", "alpha_mode"}
_MOVIES = ("mp4", "mov")
_PICTURES = 0  # the number of their stream

Timed: TypeAlias = "tuple[Fraction, int, Packet[Stream], Stream]"  # when, of which stream, what, to which


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """What a joined file is made of: the `source` whose other streams it takes, cut like the pictures, and the `text`
    that is written into it.
    """

    kind: str
    source: Path | None
    cut: Cut
    text: str


def join(parts: Sequence[Part], out: Path, joint: Joint) -> list[str]:
    """Write the file; sentences on what is left out of it."""
    base = _time_base(parts)
    movie = {"movflags": "faststart+use_metadata_tags"}
    options = movie if joint.kind in _MOVIES else {"fflags": "bitexact"}  # else Matroska numbers streams at random
    with av.open(f"file:{out}", "w", format=joint.kind, options=options) as made:
        with av.open(f"file:{parts[0].path}", "r") as first:
            video = made.add_stream_from_template(first.streams.video[0], opaque=True)
            video.time_base = base
            if joint.kind in _MOVIES and first.streams.video[0].codec_context.name == "hevc":
                cast("Any", video.codec_context).codec_tag = "hvc1"  # the tag that Apple's players know
            alpha = first.streams.video[0].metadata.get("alpha_mode")
            if alpha:
                video.metadata["alpha_mode"] = alpha
        pictures = _pictures(parts, base, video)
        if joint.source is None:
            _add_metadata(made, {}, joint.text)
            _mux(made, pictures)
            return []
        with decoding(str(joint.source)):
            source = opened(joint.source)
        with source:
            video.metadata.update(_said(main_stream(source, joint.source)))
            streams, notes = _add_streams(made, source, joint.kind)
            _add_metadata(made, source.metadata, joint.text)
            origin = clip_origin(source) + joint.cut.start
            _add_chapters(made, source, origin, joint.cut)
            others = _others(source, str(joint.source), streams, origin, joint.cut)
            lost = _mux(made, heapq.merge(pictures, others, key=lambda item: item[0]))
            if lost:
                notes.append(f"{lost} packets of sound or subtitles in {joint.source} are damaged and left out.")
        return notes


def _mux(made: OutputContainer, packets: Iterable[Timed]) -> int:
    """Write all packets; how many of sound and subtitles could not be."""
    lost = 0
    for _, number, packet, stream in packets:
        packet.stream = stream
        try:
            made.mux_one(packet)
        except InvalidDataError:
            if number == _PICTURES:
                raise
            lost += 1
    return lost


def _time_base(parts: Sequence[Part]) -> Fraction:
    """The unit in which all times are whole, or a usual one."""
    ticks = 1
    for part in parts:
        ticks = lcm(ticks, part.end.denominator, *(t.denominator for t in part.times))
        if ticks > _FINEST:
            return Fraction(1, _USUAL)
    return Fraction(1, ticks if ticks > 1000 else ticks * -(-1000 // ticks))


def _pictures(parts: Sequence[Part], base: Fraction, stream: Stream) -> Iterator[Timed]:
    """The packets of all segments with their true times.

    Pictures are coded in another order than they are shown; each packet is to be decoded as long before its picture is
    shown as the one that waits longest needs.
    """
    times, delay = array("q"), 0
    for part in parts:
        for n, time in enumerate(part.times):
            times.append(max(round(time / base), times[-1] + 1 if times else 0))
            del n
        delay = max(delay, *(n - rank for n, rank in enumerate(_ranks(part))), 0)
    end = max(round(parts[-1].end / base), times[-1] + 1)
    step = times[1] - times[0] if len(times) > 1 else end - times[0]
    at = 0
    for part in parts:
        ranks = _ranks(part)
        with av.open(f"file:{part.path}", "r") as container:
            packets = (p for p in container.demux(container.streams.video[0]) if p.size)
            for n, (packet, rank) in enumerate(zip(packets, ranks, strict=True)):
                shown, decoded = at + rank, at + n - delay
                packet.time_base = base
                packet.pts = times[shown]
                packet.dts = times[decoded] if decoded >= 0 else times[0] + decoded * step
                packet.duration = (times[shown + 1] if shown + 1 < len(times) else end) - times[shown]
                yield packet.dts * base, _PICTURES, cast("Any", packet), stream
        at += len(ranks)


def _ranks(part: Part) -> list[int]:
    """The place in the order of time of each packet, in the order of the file."""
    with av.open(f"file:{part.path}", "r") as container:
        shown = [p.pts or 0 for p in container.demux(container.streams.video[0]) if p.size]
    order = {time: n for n, time in enumerate(sorted(shown))}
    return [order[time] for time in shown]


def _add_streams(made: OutputContainer, source: InputContainer, kind: str) -> tuple[dict[int, Stream], list[str]]:
    """Streams of sound and subtitles like those of `source`, by its numbers; sentences on what is left out."""
    held = made.supported_codecs
    added: dict[int, Stream] = {}
    lost: list[str] = []
    for stream in source.streams:
        if isinstance(stream, AttachmentStream):
            if kind == "matroska" and stream.name:
                made.add_attachment(stream.name, stream.mimetype or "application/octet-stream", stream.data)
            else:
                lost.append("an attached file")
        elif stream.type in ("audio", "subtitle"):
            name = _canonical(stream)
            what = f"{'sound' if stream.type == 'audio' else 'subtitles'} ({name})"
            if name not in held:
                lost.append(what)
                continue
            try:
                new = made.add_stream_from_template(stream, opaque=True)
            except Exception:  # of a codec that FFmpeg cannot describe without decoding it
                lost.append(what)
                continue
            new.metadata.update(_said(stream))
            new.disposition = stream.disposition
            added[stream.index] = new
        elif stream.type == "data" and not source.chapters():  # which an MP4 keeps in one, too
            lost.append("a stream of data")
    if not lost:
        return added, []
    return added, [f"Left out, because the new file cannot hold it: {', '.join(dict.fromkeys(lost))}."]


def _said(stream: Stream) -> dict[str, str]:
    """What is said of a stream, but for figures that are of the old file."""
    found = stream.metadata.items()
    return {k: v for k, v in found if k.lower() not in _OF_THE_STREAM and not k.startswith("_STATISTICS")}


def _canonical(stream: Stream) -> str:
    """FFmpeg's name of a stream's codec, which may differ from that of its decoder."""
    context: Any = stream.codec_context
    return "unknown" if context is None else av.Codec(context.name, "r").canonical_name


def _others(
    source: InputContainer, name: str, streams: dict[int, Stream], origin: Fraction, cut: Cut
) -> Iterator[Timed]:
    """The packets of sound and subtitles between the ends of the cut, with times from its start."""
    if not streams:
        return
    with decoding(name):
        for packet in source.demux([s for s in source.streams if s.index in streams]):
            base = packet.time_base
            time = packet.pts if packet.pts is not None else packet.dts
            if time is None or packet.size == 0:
                continue
            since = time * base - origin
            if (cut.start > 0 and since < 0) or (cut.end is not None and since >= cut.end - cut.start):
                continue
            shift = round(origin / base)
            if packet.pts is not None:
                packet.pts -= shift
            if packet.dts is not None:
                packet.dts -= shift
            yield since, packet.stream_index + 1, packet, streams[packet.stream_index]


def _add_metadata(made: OutputContainer, metadata: dict[str, str], text: str) -> None:
    made.metadata.update({k: v for k, v in metadata.items() if k.lower() not in _OF_THE_FILE})
    if text:
        made.metadata[KEY] = text


def _add_chapters(made: OutputContainer, source: InputContainer, origin: Fraction, cut: Cut) -> None:
    length = None if cut.end is None else cut.end - cut.start
    kept: list[Any] = []
    for chapter in source.chapters():
        base = chapter["time_base"] or Fraction(1, _FINEST)
        start, end = (max(Fraction(0), chapter[k] * base - origin) for k in ("start", "end"))
        if length is not None:
            start, end = min(start, length), min(end, length)
        if end > start:
            kept.append({**chapter, "start": round(start / base), "end": round(end / base)})
    if kept:
        made.set_chapters(kept)

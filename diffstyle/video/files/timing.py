"""Time in a clip: where it is cut, and how many frames a second there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.video.files.clip import Shown

MAX_RATE = 1000
QUARTER = Fraction(1, 4)  # of a new frame's time: where the old ones are looked up, away from where they change
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)\s*s?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What is used of a clip: from `start` to `end` in seconds, at `rate` frames a second if that is given.

    Plain numbers are taken, too.
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None
    rate: Fraction | None = None

    def __post_init__(self) -> None:
        for name in ("start", "end", "rate"):
            value = getattr(self, name)
            if isinstance(value, (int, float)):  # 0.1 stands for a tenth, not for the nearest binary fraction
                object.__setattr__(self, name, Fraction(str(value)))
        if self.end is not None and self.end <= self.start:
            raise InputError(f"The clip would end at {float(self.end):g} s and begin at {float(self.start):g} s.")

    def lasting(self, duration: Fraction | None) -> Fraction | None:
        """How long the part of a clip of that duration is; None if nobody knows."""
        end = self.end if duration is None else min(duration, self.end or duration)
        return None if end is None else max(Fraction(0), end - self.start)


def seconds(text: str) -> Fraction:
    """Seconds of "83.5", "83.5s", "1:23.5" or "0:01:23.5". InputError for anything else."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise InputError(f"Cannot read the time {text!r}: give seconds, or hours:minutes:seconds.")
    hours, minutes, rest = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + Fraction(rest)


def frame_rate(text: str) -> Fraction:
    """Frames a second of "25", "29.97" or "30000/1001". InputError for anything else."""
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= MAX_RATE:
        raise InputError(f"Cannot read the frame rate {text!r}: give frames a second, up to {MAX_RATE}.")
    return rate


def timed(frames: Iterable[Shown], cut: Cut) -> Iterator[Shown]:
    """The frames of a clip that `cut` uses, with times from its start. One whose time is not after that of the frame
    before takes that one's place.
    """
    if cut.rate is None:
        return _cut(frames, cut)
    return _resampled(_cut(frames, cut), cut.rate)


def _cut(frames: Iterable[Shown], cut: Cut) -> Iterator[Shown]:
    for shown in _spans(frames):
        until = shown.time + shown.lasts
        if cut.end is not None:
            if shown.time >= cut.end:
                return
            until = min(until, cut.end)
        begin = max(shown.time, cut.start)
        if until > begin:
            yield Shown(begin - cut.start, until - begin, shown.read)


def _spans(frames: Iterable[Shown]) -> Iterator[Shown]:
    """With the time that each frame lasts until the next one."""
    last: Shown | None = None
    for shown in frames:
        if last is not None and shown.time > last.time:
            yield Shown(last.time, shown.time - last.time, last.read)
        elif last is not None:
            shown = Shown(last.time, shown.lasts, shown.read)
        last = shown
    if last is not None:
        yield last


def _resampled(frames: Iterable[Shown], rate: Fraction) -> Iterator[Shown]:
    n = 0
    for shown in frames:
        read = _once(shown.read)
        while (n + QUARTER) / rate < shown.time + shown.lasts:
            if (n + QUARTER) / rate >= shown.time:
                yield Shown(n / rate, 1 / rate, read)
            n += 1


def _once(read: Callable[[], Picture]) -> Callable[[], Picture]:
    """The same picture again for frames that are repeated."""
    kept: list[Picture] = []

    def again() -> Picture:
        if not kept:
            kept.append(read())
        return kept[0]

    return again

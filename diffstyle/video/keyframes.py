"""Styles that change along a clip."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from diffstyle.core.errors import InputError
from diffstyle.core.style import Style
from diffstyle.video.files.timing import seconds

STEPS = 64  # styles on the way from one keyframe to the next: more are not seen, and each has to be measured

_NEXT = re.compile(r",(?=\s*[\d:.]+\s*s?\s*[:=]\s*\D)")
_ENTRY = re.compile(r"\s*([\d.]+(?::[\d.]+)*)\s*s?\s*[:=]\s*(\S.*?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The `style` that a clip has at `time`, in seconds from where it is cut."""

    time: Fraction
    style: Style


def parse_keyframes(text: str, style_of: Callable[[str], Style]) -> tuple[Keyframe, ...]:
    """The keyframes of "0s: ukiyo-e, 5s: watercolour"; `style_of` reads a style. InputError for anything else."""
    return tuple(Keyframe(time, style_of(spec)) for time, spec in specs_of(text))


def specs_of(text: str) -> list[tuple[Fraction, str]]:
    """The times and the styles as they are written. A comma without a time behind it belongs to a style's words."""
    found: list[tuple[Fraction, str]] = []
    for entry in _NEXT.split(text):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise InputError(f'Cannot read the keyframe {entry.strip()!r}: give "0s: ukiyo-e, 5s: watercolour".')
        found.append((seconds(match[1]), match[2]))
    times = [time for time, _ in found]
    if times != sorted(set(times)):
        raise InputError("The keyframes are not in the order of time: give each of them a later one.")
    return found


def style_at(keyframes: Sequence[Keyframe], time: Fraction) -> Style:
    """The style at a time: that of a keyframe before the first and after the last, and between two of them a point on
    the way from the one to the other, in one of STEPS.
    """
    after = bisect_right([k.time for k in keyframes], time)
    if after == 0 or after == len(keyframes):
        return keyframes[max(0, after - 1)].style
    a, b = keyframes[after - 1], keyframes[after]
    share = Fraction(round((time - a.time) / (b.time - a.time) * STEPS), STEPS)
    return Style.slerp(a.style, b.style, float(share))

"""Styles that change along a clip."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from diffstyle.core.errors import InputError
from diffstyle.core.style import Style
from diffstyle.video.timing import seconds

STEPS = 64  # styles on the way from one keyframe to the next: more are not seen, and each has to be measured


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The `style` that a clip has at `time`, in seconds from where it is cut."""

    time: Fraction
    style: Style


def parse_keyframes(text: str, style_of: Callable[[str], Style]) -> tuple[Keyframe, ...]:
    """The keyframes of "0s: ukiyo-e, 5s: watercolour"; `style_of` reads a style. InputError for anything else.

    A comma that is not followed by a time belongs to the words of a style.
    """
    found: list[Keyframe] = []
    for entry in re.split(r",(?=\s*[\d:.]+\s*s?\s*[:=]\s*\D)", text):
        match = re.fullmatch(r"\s*([\d.]+(?::[\d.]+)*)\s*s?\s*[:=]\s*(\S.*?)\s*", entry, re.DOTALL)
        if match is None:
            raise InputError(f'Cannot read the keyframe {entry.strip()!r}: give "0s: ukiyo-e, 5s: watercolour".')
        found.append(Keyframe(seconds(match[1]), style_of(match[2])))
    if [k.time for k in found] != sorted({k.time for k in found}):
        raise InputError("The keyframes are not in the order of time: give each of them a later one.")
    return tuple(found)


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

"""`--measure`: how much a painted clip flickers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from diffstyle.core.picture import Picture
from diffstyle.evaluation.warping import warping_errors
from diffstyle.ops.flow import Array
from diffstyle.stylizer import Stylizer
from diffstyle.video.clip import Clip
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.each_frame import EachFrame, FrameTasks
from diffstyle.video.frames import Frame
from diffstyle.video.opening import open_clip
from diffstyle.video.timing import Cut, timed

DISTANCES = (1, 10)  # frames


def flicker(
    stylizer: Stylizer, clip: Clip, painted: Path, task: ClipTask, cut: Cut
) -> dict[str, dict[int, float | None]]:
    """The warping errors, from frame to frame and over ten, of a clip itself, of its frames painted one by one, and of
    what was painted. None where there are too few frames.
    """
    found = warping_errors(
        _photos(clip, cut), [_photos(clip, cut), _alone(stylizer, clip, task, cut), _frames(painted)], DISTANCES
    )
    names = ("clip", "frame_by_frame", "result")
    return {n: {d: e if e == e else None for d, e in es.items()} for n, es in zip(names, found, strict=True)}


def _photos(clip: Clip, cut: Cut) -> Iterator[Array]:
    return (_array(shown.read()) for shown in timed(clip.frames(cut.start), cut))


def _alone(stylizer: Stylizer, clip: Clip, task: ClipTask, cut: Cut) -> Iterator[Array]:
    painter = EachFrame(FrameTasks(stylizer, task.at))
    for n, shown in enumerate(timed(clip.frames(cut.start), cut)):
        yield from (_array(f.picture) for f in painter.push(Frame(n, shown.time, shown.read())))


def _frames(path: Path) -> Iterator[Array]:
    return (_array(shown.read()) for shown in open_clip(path).frames(Fraction(0)))


def _array(picture: Picture) -> Array:
    return np.ascontiguousarray(picture.pixels.permute(1, 2, 0).numpy(), np.float32)

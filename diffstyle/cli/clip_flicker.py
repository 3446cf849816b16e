"""`--measure`: how much a painted clip flickers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from diffstyle.evaluation.warping import warping_errors
from diffstyle.ops.flow import Array
from diffstyle.stylizer import Stylizer
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.clip import Clip, Shown
from diffstyle.video.files.moving_picture import MovingPicture
from diffstyle.video.files.opening import open_clip
from diffstyle.video.files.timing import Cut, timed
from diffstyle.video.frames import as_array
from diffstyle.video.painting import Painting
from diffstyle.video.settings import Steadiness

DISTANCES = (1, 10)  # frames


def flicker(
    stylizer: Stylizer, clip: Clip, painted: Path, task: ClipTask, cut: Cut
) -> dict[str, dict[int, float | None]]:
    """The warping errors, from frame to frame and over ten, of a clip itself, of its frames painted one by one, and of
    what was painted. None where there are too few frames.
    """
    versions = [_photos(clip, cut), _alone(stylizer, clip, task, cut), _result(clip, cut, painted)]
    found = warping_errors(_photos(clip, cut), versions, DISTANCES)
    names = ("clip", "frame_by_frame", "result")
    return {n: {d: e if e == e else None for d, e in es.items()} for n, es in zip(names, found, strict=True)}


def _photos(clip: Clip, cut: Cut) -> Iterator[Array]:
    return (as_array(shown.read().pixels) for shown in timed(clip.frames(cut.start), cut))


def _alone(stylizer: Stylizer, clip: Clip, task: ClipTask, cut: Cut) -> Iterator[Array]:
    """The frames painted one by one, with the size and the masks of the result."""
    painting = Painting.of(stylizer, replace(task, steadiness=Steadiness(steady=0)), cut)
    return (as_array(p.pixels) for p in painting.pictures(timed(clip.frames(cut.start), cut), 0))


def _result(clip: Clip, cut: Cut, path: Path) -> Iterator[Array]:
    """The frames of the result, one for each of the clip."""
    made = open_clip(path)
    if not isinstance(made, MovingPicture):
        yield from (as_array(shown.read().pixels) for shown in made.frames())
        return
    frames = timed(made.frames(), Cut())
    now = next(frames)
    for photo in timed(clip.frames(cut.start), cut):
        middle = photo.time + photo.lasts / 2
        while now.time + now.lasts <= middle:  # WebP stores equal frames as one
            now = next(frames, Shown(now.time, photo.time + photo.lasts - now.time, now.read))
        yield as_array(now.read().pixels)

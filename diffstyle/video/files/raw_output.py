"""Frames without header, one behind the other, for another program."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import BinaryIO

from diffstyle.core.errors import InputError
from diffstyle.core.picture import fitted
from diffstyle.stylizer import Stylizer
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.clip import Clip
from diffstyle.video.files.timing import Cut, timed
from diffstyle.video.painting import OnFrame, Painting
from diffstyle.video.render import ClipResult, total_of


def write_raw(
    clip: Clip, task: ClipTask, stream: BinaryIO, stylizer: Stylizer, cut: Cut, on_frame: OnFrame | None = None
) -> ClipResult:
    """Paint a clip and write its frames, 8 bits a channel: RGB, or RGBA of a clip with alpha."""
    painting = Painting.of(stylizer, task, cut, total=total_of(clip, cut), on_frame=on_frame)
    frames = timed(clip.frames(cut.start), cut)
    first = next(frames, None)
    if first is None:
        raise InputError(f"{clip.source} shows no frame between the ends of the cut: choose other times.")
    count = 0
    for picture in painting.pictures(chain([first], frames), 0):
        stream.write(picture.to_array().tobytes())
        stream.flush()
        count += 1
    size = clip.info.size if task.size is None else fitted(clip.info.size, task.size)
    notes = (*clip.info.notes, *painting.closing_notes())
    return ClipResult(Path("-"), count, size, notes=notes)

"""Paints the frames of a clip one after another, each at its size and inside its mask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import torch

from diffstyle.core.errors import Cancelled
from diffstyle.core.mask import Mask
from diffstyle.core.picture import CLEAR, Picture, fitted
from diffstyle.stylizer import Stylizer
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.clip import Shown
from diffstyle.video.files.timing import Cut
from diffstyle.video.frame_masks import FrameMasks
from diffstyle.video.frames import Frame, FramePainter
from diffstyle.video.painters import painter_for

_MOST_NOTES = 20


@dataclass(frozen=True, slots=True)
class Painted:
    """A frame that is finished: the `done`-th of `total`, None if nobody knows how many there are."""

    done: int
    total: int | None
    picture: Picture


OnFrame = Callable[[Painted], "bool | None"]
"""Called after every frame; returning False cancels the render, which can go on later."""


def is_seen(picture: Picture) -> bool:
    """Whether there is anything to paint: the first frames of a title are often wholly transparent."""
    return picture.alpha is None or float(picture.alpha.max()) > CLEAR


@dataclass(slots=True)
class Painting:
    """The painter of one clip, with the masks of its frames; `notes` are what the frames left out."""

    task: ClipTask
    painter: FramePainter
    masks: FrameMasks
    total: int | None
    on_frame: OnFrame | None
    notes: dict[str, None] = field(default_factory=dict[str, None])
    _waiting: dict[int, tuple[Picture, Mask]] = field(default_factory=dict[int, tuple[Picture, Mask]])
    _sized: tuple[Picture, Picture] | None = None

    @classmethod
    def of(
        cls,
        stylizer: Stylizer,
        task: ClipTask,
        cut: Cut,
        *,
        total: int | None = None,
        on_frame: OnFrame | None = None,
        ahead: bool = False,
    ) -> Painting:
        """`total` is how many frames there are, if known; `ahead` as for `painter_for`."""
        painter = painter_for(stylizer, task.at, task.steadiness, ahead=ahead)
        return cls(task, painter, FrameMasks(task, cut), total, on_frame)

    def pictures(self, frames: Iterable[Shown], first: int) -> Iterator[Picture]:
        """The frames, painted, in order; the first of them is that of number `first`. The painter holds none back."""
        for n, shown in enumerate(frames, first):
            frame = Frame(n, shown.time, self.sized(shown.read()))
            if not is_seen(frame.picture):
                yield from map(self._finished, [*self.painter.flush(), frame])
                continue
            mask = self.masks.at(frame)
            if mask is not None:
                self._waiting[n] = frame.picture, mask
            yield from map(self._finished, self.painter.push(frame))
        yield from map(self._finished, self.painter.flush())

    def sized(self, picture: Picture) -> Picture:
        """A frame at the size of the result; the same object again for the same frame."""
        if self.task.size is None:
            return picture
        if self._sized is None or self._sized[0] is not picture:
            self._sized = picture, picture.resized(fitted(picture.size, self.task.size))
        return self._sized[1]

    def _finished(self, frame: Frame) -> Picture:
        picture = frame.picture
        if len(self.notes) < _MOST_NOTES:
            self.notes |= dict.fromkeys(picture.notes)
        if frame.index in self._waiting:
            content, mask = self._waiting.pop(frame.index)
            picture = replace(picture, pixels=torch.lerp(content.pixels, picture.pixels, mask.values))
        if self.on_frame is not None and self.on_frame(Painted(frame.index + 1, self.total, picture)) is False:
            raise Cancelled
        return picture

    def closing_notes(self) -> list[str]:
        """Sentences on what was left out of all frames."""
        found = list(self.notes)
        if self.masks.unfound:
            what = " and ".join(w for w in (self.task.only, self.task.without) if w)
            found.append(f"In {self.masks.unfound} frames there was no {what} to be found.")
        return found

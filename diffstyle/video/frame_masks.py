"""Where each frame is painted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import torch

from diffstyle.controls.selection import NothingFound, inverse, select
from diffstyle.core.errors import InputError
from diffstyle.core.mask import Mask
from diffstyle.core.picture import Picture
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.clip import Shown
from diffstyle.video.files.opening import open_clip
from diffstyle.video.files.timing import Cut, timed
from diffstyle.video.frames import Frame

_COLOURED = 0.1  # how far the channels of a grey clip may differ: the error of its compression


@dataclass(slots=True)
class FrameMasks:
    """The masks of the frames of one clip, to be asked for in order of time. `unfound` counts the frames in which what
    `only` or `without` name was not found.
    """

    task: ClipTask
    cut: Cut
    unfound: int = 0
    _clip: Iterator[Shown] | None = None
    _next: Shown | None = None
    _last: Mask | None = None
    _same: tuple[Picture, Mask, int] | None = None  # the last frame, its mask, and what was not found in it
    _fitted: dict[tuple[int, int], Mask] = field(default_factory=dict[tuple[int, int], Mask])

    def at(self, frame: Frame) -> Mask | None:
        """The intersection of all that limit the painting of a frame; None if nothing does."""
        if not self.task.limited:
            return None
        if self._same is not None and self._same[0] is frame.picture and self.task.mask_clip is None:  # shown again
            self.unfound += self._same[2]
            return self._same[1]
        before = self.unfound
        mask = self._of(frame)
        self._same = frame.picture, mask, self.unfound - before
        return mask

    def _of(self, frame: Frame) -> Mask:
        task, content = self.task, frame.picture
        masks: list[Mask] = []
        if task.mask is not None:
            if content.size not in self._fitted:
                self._fitted[content.size] = task.mask.fitted(content)
            masks.append(self._fitted[content.size])
        if task.mask_clip is not None:
            masks.append(self._of_clip(frame.time).resized(content.size))
        if task.only is not None:
            masks.append(self._found(content, task.only))
        if task.without is not None:
            masks.append(inverse(self._found(content, task.without)))
        whole = replace(masks[0], values=torch.stack([m.values for m in masks]).amin(0))
        return whole.feathered(task.feather)

    def _found(self, content: Picture, what: str) -> Mask:
        try:
            return select(content, what)
        except NothingFound:
            self.unfound += 1
            return Mask(torch.zeros(1, content.height, content.width), what)

    def _of_clip(self, time: Fraction) -> Mask:
        """The mask that the clip of masks shows at a time; its first one before it begins, its last one after its
        end.
        """
        if self._clip is None:
            assert self.task.mask_clip is not None
            cut = Cut(start=self.cut.start, end=self.cut.end)
            clip = open_clip(self.task.mask_clip)
            self._clip = timed(clip.frames(self.cut.start), cut)
            self._next = next(self._clip, None)
            if self._next is None:
                raise InputError(f"{self.task.mask_clip} shows no mask between the ends of the cut.")
        due: Shown | None = None
        while self._next is not None and (self._next.time <= time or (self._last is None and due is None)):
            due, self._next = self._next, next(self._clip, None)
        if due is not None:
            self._last = _mask_of(due.read())
        assert self._last is not None
        return self._last


def _mask_of(picture: Picture) -> Mask:
    if picture.alpha is not None and float(picture.alpha.min()) < 1:
        return Mask(picture.alpha, picture.source)
    if float((picture.pixels.amax(0) - picture.pixels.amin(0)).mean()) > _COLOURED:
        raise InputError(f"Cannot use {picture.source} as a mask: it is in colour; white is where it holds.")
    return Mask(picture.pixels.mean(0, keepdim=True).clamp(0, 1), picture.source)

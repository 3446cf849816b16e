"""Following an earlier frame through a clip: where each pixel came from, and how far that is to be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2 as untyped
import numpy as np
import torch
from torch import Tensor

from diffstyle.ops.flow import (
    Array,
    Bytes,
    Flags,
    Search,
    chained,
    consistent,
    greys,
    inside,
    reduced,
    resized,
    squared,
    warped,
)

cv2: Any = untyped
ALIKE = 0.06  # difference of smoothed colours at which a place is as likely another as the same
GROWN = 0.35  # of marks in a zoom, as a logarithm, at which they are painted anew
SAMPLINGS = 16  # of marks, one from another, after which they are painted anew: each adds ripples
EDGE = 2.0  # times the length of a motion, nearer than which to the edge that it comes from it is not trusted
AREA = 8.0  # pixels over which growth is averaged
SOFT = 1.5  # pixels over which trust is smoothed
_LARGE = ("painted", "known")


@dataclass(frozen=True, slots=True)
class Seen:
    """What motion is estimated on: a frame's photo, small, in colour (h, w, 3) and in grey (h, w)."""

    colours: Array
    grey: Bytes

    @classmethod
    def of(cls, photo: Array, longest: int) -> Seen:
        """Of a photo (H, W, 3), of at most `longest` pixels a side."""
        small = reduced(photo, longest)
        return cls(cv2.GaussianBlur(small, (0, 0), 1.5), greys(small))


@dataclass(frozen=True, slots=True)
class Motion:
    """How the frame before became the present one: the flow `back` to it from the present, and `forth`, (h, w, 2)."""

    back: Array
    forth: Array

    @classmethod
    def between(cls, before: Seen, now: Seen, search: Search) -> Motion:
        return cls(search(now.grey, before.grey, None), search(before.grey, now.grey, None))


@dataclass(frozen=True, slots=True)
class Marks:
    """What became of marks since they were painted, (h, w) each: how much larger they are, as a logarithm, and how many
    times they have been sampled.
    """

    grown: Array
    samplings: Array

    @classmethod
    def fresh(cls, shape: tuple[int, int]) -> Marks:
        """Of what is painted anew. It counts as sampled 0 to half of `SAMPLINGS` times, by place, so that not all is
        painted anew at once.
        """
        noise = np.random.default_rng(0).random((max(2, shape[0] // 24), max(2, shape[1] // 24)), np.float32)
        smooth = cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)
        return cls(np.zeros(shape, np.float32), np.asarray(smooth * (SAMPLINGS / 2), np.float32))

    def moved(self, back: Array) -> Marks:
        """As a frame takes them along the flow `back` from it: what does not move is taken as it is."""
        far = np.sqrt(squared(back))
        grown = warped(self.grown, back) - shrunk(back)
        return Marks(grown, np.asarray(warped(self.samplings, back) + (2 * far).clip(0, 1), np.float32))


def shrunk(flow: Array) -> Array:
    """How much closer together places lie at the end of a `flow`, (h, w), as a logarithm; computed at a quarter of the
    size, for it is smooth.
    """
    h, w = flow.shape[:2]
    small = cv2.resize(flow, (max(2, w // 4), max(2, h // 4)), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small, (0, 0), AREA / 4)
    dy, dx = np.gradient(smooth, h / len(small), w / small.shape[1], axis=(0, 1))
    area = (1 + dx[..., 0]) * (1 + dy[..., 1]) - dx[..., 1] * dy[..., 0]
    return np.asarray(cv2.resize(np.log(np.maximum(area, 0.05)) / 2, (w, h)), np.float32)


@dataclass(frozen=True, slots=True)
class Followed:
    """An earlier frame, followed to the present one.

    `painted` (H, W, 3) is what it looked like in the end, `known` (H, W) from 0 to 1 where that is more than a guess.
    `motion` is that from it to the present frame; `marks` is what had become of its marks when it was painted.
    """

    seen: Seen
    painted: Array
    known: Array
    motion: Motion
    marks: Marks

    @classmethod
    def start(cls, seen: Seen, painted: Array) -> Followed:
        """The present frame itself, painted anew."""
        h, w = seen.grey.shape
        still = np.zeros((h, w, 2), np.float32)
        known = np.ones(painted.shape[:2], np.float32)
        return cls(seen, painted, known, Motion(still, still), Marks.fresh((h, w)))

    def onwards(self, now: Seen, step: Motion, search: Search, *, forth: bool) -> Followed:
        """Followed by one more frame; `step` is the motion from the frame before to it.

        The flow back is searched between the two frames themselves, beginning from what is known, so that errors do not
        add up over time; that `forth`, which only tells what is hidden, only if asked.
        """
        back, ahead = chained(step.back, self.motion.back), chained(self.motion.forth, step.forth)
        back = search(now.grey, self.seen.grey, back)
        return replace(self, motion=Motion(back, search(self.seen.grey, now.grey, ahead) if forth else ahead))

    def shown(self, now: Seen) -> Array:
        """How likely each pixel of the present frame shows the place that the flow says: (h, w) from 0 to 1."""
        fine = consistent(self.motion.back, self.motion.forth) & inside(self.motion.back)
        apart = squared(warped(self.seen.colours, self.motion.back) - now.colours)
        return np.asarray(fine * np.exp2(-apart / ALIKE**2), np.float32)

    def trust(self, shown: Array, marks: Marks) -> Array:
        """How far its paint is to be taken for each pixel of the present frame, (h, w) from 0 to 1, where it is
        `shown`: less near an edge, and where `marks`, as the present frame takes them, have grown or were sampled
        often.
        """
        right_size = 1 / (1 + np.exp((np.abs(marks.grown) - GROWN) * 20))
        sharp = 1 / (1 + np.exp((marks.samplings - SAMPLINGS) * 3))
        sure = cv2.erode(shown, np.ones((3, 3), np.uint8)) * inside(self.motion.back, EDGE) * right_size * sharp
        ramp = ((cv2.GaussianBlur(sure.astype(np.float32), (0, 0), SOFT) - 0.3) / 0.4).clip(0, 1)
        return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)

    def view(self, trust: Array, where: Flags | None = None) -> tuple[Array, Array]:
        """Its painting as the present frame sees it, (H, W, 3), and the `trust` in that at full size, (H, W). Far from
        `where` (H, W), if it is given, the painting is left black.
        """
        flow = resized(self.motion.back, self.painted.shape)
        sure = np.asarray(cv2.resize(trust, self.painted.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)
        if not self.known.all():
            sure = sure * warped(self.known, flow)
        view = warped(self.painted, flow, sharp=True, where=where)
        return np.clip(view, 0, 1, out=view), sure

    def tensors(self) -> dict[str, Tensor]:
        """All of it, to be saved; what is large shares its memory."""
        arrays = {
            "colours": self.seen.colours,
            "grey": self.seen.grey,
            "painted": self.painted,
            "known": self.known,
            "back": self.motion.back,
            "forth": self.motion.forth,
            "grown": self.marks.grown,
            "samplings": self.marks.samplings,
        }
        return {name: torch.from_numpy(array if name in _LARGE else array.copy()) for name, array in arrays.items()}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Followed:
        """From its `tensors`."""
        found = {name: tensor.numpy() for name, tensor in tensors.items()}
        seen, motion = Seen(found["colours"], found["grey"]), Motion(found["back"], found["forth"])
        return cls(seen, found["painted"], found["known"], motion, Marks(found["grown"], found["samplings"]))

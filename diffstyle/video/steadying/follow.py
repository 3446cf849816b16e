"""Following an earlier frame through a clip: where each pixel came from, and how far that is to be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2 as untyped
import numpy as np
import torch
from torch import Tensor

from diffstyle.ops.flow import Array, Bytes, chained, consistent, flow_between, greys, inside, resized, squared, warped

cv2: Any = untyped
ALIKE = 0.06  # difference of smoothed colours at which a place is as likely another as the same
GROWN = 0.35  # of marks in a zoom, as a logarithm, at which they are painted anew
SAMPLINGS = 8  # of marks, one from another, after which they are painted anew: each adds ripples
EDGE = 2.0  # times the length of a motion, nearer than which to the edge that it comes from it is not trusted
SOFT = 1.5  # pixels over which trust is smoothed


@dataclass(frozen=True, slots=True)
class Seen:
    """What motion is estimated on: a frame's photo, small, in colour (h, w, 3) and in grey (h, w)."""

    colours: Array
    grey: Bytes

    @classmethod
    def of(cls, photo: Array, longest: int) -> Seen:
        """Of a photo (H, W, 3), of at most `longest` pixels a side."""
        grey = greys(photo, longest)
        small = cv2.resize(photo, grey.shape[::-1], interpolation=cv2.INTER_AREA)
        return cls(cv2.GaussianBlur(small, (0, 0), 1.5), grey)


@dataclass(frozen=True, slots=True)
class Motion:
    """How the frame before became the present one: the flow `back` to it from the present, and `forth`, (h, w, 2)."""

    back: Array
    forth: Array

    @classmethod
    def between(cls, before: Seen, now: Seen) -> Motion:
        return cls(flow_between(now.grey, before.grey), flow_between(before.grey, now.grey))


@dataclass(frozen=True, slots=True)
class Followed:
    """An earlier frame, followed to the present one.

    `painted` (H, W, 3) is what it looked like in the end, `known` (H, W) from 0 to 1 where that is more than a guess.
    `motion` is that from it to the present frame; `grown` (h, w) is how much larger its marks had become when it was
    painted, as a logarithm, and `samplings` (h, w) how many times they had been sampled.
    """

    seen: Seen
    painted: Array
    known: Array
    motion: Motion
    grown: Array
    samplings: Array

    @classmethod
    def start(cls, seen: Seen, painted: Array) -> Followed:
        """The present frame itself, painted anew."""
        h, w = seen.grey.shape
        still = np.zeros((h, w, 2), np.float32)
        known = np.ones(painted.shape[:2], np.float32)
        return cls(seen, painted, known, Motion(still, still), still[..., 0], unsampled((h, w)))

    def onwards(self, now: Seen, step: Motion) -> Followed:
        """Followed by one more frame; `step` is the motion from the frame before to it.

        The flow is searched between the two frames themselves, beginning from what is known, so that errors do not
        add up over time.
        """
        back = flow_between(now.grey, self.seen.grey, chained(step.back, self.motion.back))
        forth = flow_between(self.seen.grey, now.grey, chained(self.motion.forth, step.forth))
        return replace(self, motion=Motion(back, forth))

    def shown(self, now: Seen) -> Array:
        """How likely each pixel of the present frame shows the place that the flow says: (h, w) from 0 to 1."""
        fine = consistent(self.motion.back, self.motion.forth) & inside(self.motion.back)
        apart = squared(warped(self.seen.colours, self.motion.back) - now.colours)
        return np.asarray(fine * np.exp2(-apart / ALIKE**2), np.float32)

    def trust(self, shown: Array) -> Array:
        """How far its paint is to be taken for each pixel of the present frame, (h, w) from 0 to 1, where it is
        `shown`: less near an edge, and for marks that have grown or were sampled often.
        """
        right_size = 1 / (1 + np.exp((np.abs(self.growth()) - GROWN) * 20))
        sharp = 1 / (1 + np.exp((self.sampled() - SAMPLINGS) * 3))
        sure = cv2.erode(shown, np.ones((3, 3), np.uint8)) * inside(self.motion.back, EDGE) * right_size * sharp
        ramp = ((cv2.GaussianBlur(sure.astype(np.float32), (0, 0), SOFT) - 0.3) / 0.4).clip(0, 1)
        return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)

    def growth(self) -> Array:
        """How much larger its marks have become at each pixel of the present frame, (h, w), as a logarithm."""
        smooth = cv2.GaussianBlur(self.motion.back, (0, 0), 8)
        dy, dx = np.gradient(smooth, axis=(0, 1))
        area = (1 + dx[..., 0]) * (1 + dy[..., 1]) - dx[..., 1] * dy[..., 0]
        return np.asarray(warped(self.grown, self.motion.back) - np.log(np.maximum(area, 0.05)) / 2, np.float32)

    def sampled(self) -> Array:
        """How many times its marks have been sampled where the present frame takes them, (h, w): what does not move is
        taken as it is.
        """
        moved = np.sqrt(squared(self.motion.back))
        return np.asarray(warped(self.samplings, self.motion.back) + (2 * moved).clip(0, 1), np.float32)

    def view(self, trust: Array, taps: Literal[4, 8]) -> tuple[Array, Array]:
        """Its painting as the present frame sees it, (H, W, 3), and the `trust` in that at full size, (H, W, 1).

        `taps` are those of `warped`.
        """
        flow = resized(self.motion.back, self.painted.shape)
        sure = np.asarray(cv2.resize(trust, self.painted.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)
        if not self.known.all():
            sure = sure * warped(self.known, flow)
        return warped(self.painted, flow, taps).clip(0, 1), sure[..., None]

    def tensors(self) -> dict[str, Tensor]:
        """All of it, to be saved."""
        arrays = {
            "colours": self.seen.colours,
            "grey": self.seen.grey,
            "painted": self.painted,
            "known": self.known,
            "back": self.motion.back,
            "forth": self.motion.forth,
            "grown": self.grown,
            "samplings": self.samplings,
        }
        return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Followed:
        """From its `tensors`."""
        found = {name: tensor.numpy() for name, tensor in tensors.items()}
        seen, motion = Seen(found["colours"], found["grey"]), Motion(found["back"], found["forth"])
        return cls(seen, found["painted"], found["known"], motion, found["grown"], found["samplings"])


def unsampled(shape: tuple[int, int]) -> Array:
    """`samplings` (h, w) of what is painted anew: 0 to half of `SAMPLINGS` by place, so that not all is painted anew at
    once.
    """
    noise = np.random.default_rng(0).random((max(2, shape[0] // 24), max(2, shape[1] // 24)), np.float32)
    smooth = cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth * (SAMPLINGS / 2), np.float32)

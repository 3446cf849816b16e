"""What one frame of a clip leaves to the next, and how that is painted from it.

Each frame takes its painting, along the optical flow of the photos, from an *anchor*, a frame some way back, and where
that no longer shows it, from the frame before: marks are sampled from few steps and stay sharp, and errors do not add
up. Where neither is to be trusted, as it was hidden or has changed, the frame's own painting is seen. Several earlier
frames keep what was hidden for a while (Ruder et al. 2016, "Artistic style transfer for videos", section 4.2); where
theirs enter a loss, ours are copied, so that every engine can paint the frames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2 as untyped
import numpy as np
import torch
from torch import Tensor

from diffstyle.core.mask import Mask
from diffstyle.core.picture import Picture
from diffstyle.core.task import Previous
from diffstyle.ops.flow import Array, Search, motion_boundaries
from diffstyle.video.steadying.follow import Followed, Marks, Motion, Seen
from diffstyle.video.steadying.joining import agreement, contrasted, lerp, resized_to, toned, tones

cv2: Any = untyped
LONGEST_RUN = 24  # frames that one anchor is followed
SEARCHED = 4  # frames after which the flow from an anchor to the present is searched anew; between, steps are added up
LEAST_SHARE = 0.85  # of what the frame before explains, that an anchor must explain to be followed on
SETTLING = 3  # frames after which what came in is kept: kept at once, each frame would leave a strip of its own
TONE = 0.15  # of the difference in tone to the frame's own painting that is made up in one frame
SAME_TONE = 0.03  # difference in tone that is no change of light


@dataclass(frozen=True, slots=True)
class Kept:
    """What a frame leaves to the next one: an `anchor` and how many frames ago it was painted, the frame itself, and
    how far tones have moved since the anchor. `style` is a digest of what it was painted in, `changed` how many frames
    ago that was another.
    """

    anchor: Followed
    run: int
    last: Followed
    tone: Array
    style: bytes
    changed: int

    @classmethod
    def start(cls, seen: Seen, painted: Array, style: bytes) -> Kept:
        """After the first frame of a shot."""
        first = Followed.start(seen, painted)
        return cls(first, 0, first, np.zeros_like(tones(painted)), style, LONGEST_RUN)

    def tensors(self) -> dict[str, Tensor]:
        """All of it, to be saved; what is large shares its memory."""
        last = {} if self.last is self.anchor else self.last.tensors()
        return {
            **{f"anchor.{name}": tensor for name, tensor in self.anchor.tensors().items()},
            **{f"last.{name}": tensor for name, tensor in last.items()},
            "tone": torch.from_numpy(self.tone.copy()),
            "run": torch.tensor([self.run, self.changed]),
            "style": torch.frombuffer(bytearray(self.style), dtype=torch.uint8),
        }

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> Kept:
        """From its `tensors`."""
        found = {
            name: {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")}
            for name in ("anchor", "last")
        }
        anchor = Followed.of(found["anchor"])
        last = Followed.of(found["last"]) if found["last"] else anchor
        run, changed = (int(n) for n in tensors["run"])
        return cls(anchor, run, last, tensors["tone"].numpy(), tensors["style"].numpy().tobytes(), changed)


@dataclass(frozen=True, slots=True)
class View:
    """An earlier frame, `followed` to the present one: what has become of its `marks` there, and the `trust` in it,
    (h, w).
    """

    followed: Followed
    marks: Marks
    trust: Array

    @classmethod
    def of(cls, followed: Followed, shown: Array) -> View:
        marks = followed.marks.moved(followed.motion.back)
        return cls(followed, marks, followed.trust(shown, marks))


@dataclass(frozen=True, slots=True)
class Sight:
    """What a frame, `seen`, shows of what was kept: the `motion` to it from the frame before, that frame, `near`, and
    the anchor, `far`. `shared` is the share of it that the frame before shows too.
    """

    seen: Seen
    motion: Motion
    shared: float
    near: View
    far: View

    @classmethod
    def of(cls, kept: Kept, seen: Seen, search: Search) -> Sight:
        motion = Motion.between(kept.last.seen, seen, search)
        last = replace(kept.last, motion=motion)
        shown = last.shown(seen)
        near = View.of(last, shown)
        if kept.run == 0:  # the frame before is the anchor
            return cls(seen, motion, float(shown.mean()), near, near)
        anchor = kept.anchor.onwards(seen, motion, search, forth=kept.run % SEARCHED == 0)
        return cls(seen, motion, float(shown.mean()), near, View.of(anchor, anchor.shown(seen)))


def carried(kept: Kept, sight: Sight, style: bytes, fresh: Array | None, steady: float) -> Kept:
    """The next frame, of what is kept and its own painting, `fresh` (H, W, 3), if it has one.

    `steady` is the share of what was kept, against that of the frame's own, where there is both.
    """
    near, far = sight.near, sight.far
    changed, far_trust = _changed(kept, style), _far_trust(kept, sight, style)
    view, sure = _view(kept, sight, style)
    tone = kept.tone
    if fresh is None:
        painted, known = toned(view, tone), sure
    else:
        apart = tones(fresh) - tones(view)
        tone = lerp(tone, apart - apart.clip(-SAME_TONE, SAME_TONE), TONE)
        sure = sure * resized_to(agreement(apart), sure)
        view = toned(view, tone)
        painted = contrasted(lerp(fresh, view, sure * np.float32(steady), out=view), fresh)
        known = np.asarray(sure > 0.5, np.float32)
    last = replace(
        Followed.start(sight.seen, np.clip(painted, 0, 1, out=painted)),
        known=known,
        marks=_mixed(_mixed(Marks.fresh(far_trust.shape), near.marks, near.trust), far.marks, far_trust),
    )
    run = kept.run + 1
    if fresh is not None and run % SETTLING == 0:
        last = replace(last, known=np.ones_like(known))
    if fresh is not None and (run >= LONGEST_RUN or far_trust.mean() < LEAST_SHARE * near.trust.mean()):
        last = replace(last, known=np.ones_like(known))
        return Kept(last, 0, last, np.zeros_like(tone), style, changed)
    return Kept(far.followed, run, last, tone, style, changed)


def _mixed(a: Marks, b: Marks, weight: Array) -> Marks:
    return Marks(lerp(a.grown, b.grown, weight), lerp(a.samplings, b.samplings, weight))


def previous(kept: Kept, sight: Sight, style: bytes) -> Previous | None:
    """What is kept as the next frame sees it, for an engine that keeps to it: nothing is trusted at the boundaries of
    motions. None while it holds a style that there was: an engine that began from it would never leave it.
    """
    if _changed(kept, style) < LONGEST_RUN:
        return None
    view, sure = _view(kept, sight, style)
    boundaries = cv2.dilate(motion_boundaries(sight.motion.back).astype(np.float32), np.ones((5, 5), np.uint8))
    within = 1 - cv2.GaussianBlur(boundaries, (0, 0), 2)
    painted = torch.from_numpy(toned(view, kept.tone).clip(0, 1)).permute(2, 0, 1).contiguous()
    trust = torch.from_numpy(sure * resized_to(within, sure))[None]
    return Previous(Picture(painted), Mask(trust))


def _changed(kept: Kept, style: bytes) -> int:
    """How many frames ago the style was another."""
    return kept.changed + 1 if style == kept.style else 0


def _far_trust(kept: Kept, sight: Sight, style: bytes) -> Array:
    """The trust in the anchor, (h, w): none while it would hold another style."""
    return sight.far.trust if _changed(kept, style) >= LONGEST_RUN else np.zeros_like(sight.far.trust)


def _view(kept: Kept, sight: Sight, style: bytes) -> tuple[Array, Array]:
    """What is kept as the next frame sees it, (H, W, 3), and the trust in that, (H, W)."""
    near, far, far_trust = sight.near, sight.far, _far_trust(kept, sight, style)
    if near is far or not far_trust.any():
        return near.followed.view(near.trust)
    far_view, far_sure = far.followed.view(far_trust)
    view, near_sure = near.followed.view(near.trust, where=far_sure < 1)
    return lerp(view, far_view, far_sure, out=view), np.maximum(near_sure, far_sure)


def carried_back(held: Array, sure: Array, seen: Seen, later: Array, sight: Sight, share: float) -> Array:
    """A frame, `seen`, that was carried to, `held` (H, W, 3), as `sure` (H, W), and is now carried to from the frame
    after it too: `later`, of which `sight` is. `share` is how near it is to the later one, from 0 to 1.
    """
    backwards = Motion(sight.motion.forth, sight.motion.back)
    after = replace(Followed.start(sight.seen, later), motion=backwards)
    view, after_sure = after.view(View.of(after, after.shown(seen)).trust)
    before, behind = sure * (1 - share) + 1e-3, after_sure * share
    return lerp(held, view, np.asarray(behind / (before + behind), np.float32))

"""A painter of frames whose marks stay on what they were painted on.

Each frame takes its painting, along the optical flow of the photos, from an *anchor*, a frame some way back, and where
that no longer shows it, from the frame before: marks are sampled from few steps and stay sharp, and errors do not add
up. Where neither is to be trusted, as it was hidden or has changed, the frame's own painting is seen. Several earlier
frames keep what was hidden for a while (Ruder et al. 2016, "Artistic style transfer for videos", section 4.2); where
theirs enter a loss, ours are copied, so that every engine can paint the frames.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.base import OnStep
from diffstyle.ops.flow import Array
from diffstyle.video.each_frame import FrameTasks
from diffstyle.video.follow import Followed, Motion, Seen
from diffstyle.video.frames import Frame
from diffstyle.video.joining import contrasted, lerp, toned, tones
from diffstyle.video.settings import Steadiness

LONGEST_RUN = 24  # frames that one anchor is followed
SAME_TONE = 0.03  # difference in tone that is no change of light
LEAST_SHARE = 0.85  # of what the frame before explains, that an anchor must explain to be followed on
CUT = 0.35  # share of a frame that the one before explains, below which another shot begins
TONE = 0.15  # of the difference in tone to the frame's own painting that is made up in one frame


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


@dataclass(frozen=True, slots=True)
class Held:
    """A frame that waits for the next one that is painted: what was carried to it, how sure that is (H, W, 1), and the
    motion to it.
    """

    frame: Frame
    task: ResolvedTask
    seen: Seen
    motion: Motion
    carried: Array
    sure: Array


class Steady:
    """Paints the frames of a clip so that neighbours agree.

    Of several frames in a row only the `every`-th is painted; those between are carried to from both sides.
    """

    def __init__(self, tasks: FrameTasks, steadiness: Steadiness, on_step: OnStep | None = None) -> None:
        self.tasks, self.steadiness, self.on_step = tasks, steadiness, on_step
        self._kept: Kept | None = None
        self._held: list[Held] = []
        self._before_last: Kept | None = None  # what was kept before the last held frame
        self._shown: tuple[Picture, Picture] | None = None  # the last frame, and what was made of it

    def push(self, frame: Frame) -> list[Frame]:
        if self._shown is not None and self._shown[0] is frame.picture:  # one that is shown again
            return [replace(frame, picture=self._shown[1])]
        done = self._push(frame)
        self._shown = (frame.picture, done[-1].picture) if done and done[-1].index == frame.index else None
        return done

    def _push(self, frame: Frame) -> list[Frame]:
        task = self.tasks.resolved(frame)
        seen = Seen.of(_array(task.content))
        if self._kept is None:
            return [self._begin(frame, task, seen)]
        motion = Motion.between(self._kept.last.seen, seen)
        near = replace(self._kept.last, motion=motion)
        trust = near.trust(seen)
        if trust.mean() < CUT or self._kept.last.painted.shape[1::-1] != task.content.size:
            return [*self.flush(), self._begin(frame, task, seen)]
        if len(self._held) + 1 < self.steadiness.every:
            return self._hold(frame, task, seen, motion)
        painted = self._advance(task, seen, motion, self._fresh(task))
        return [*self._finish(seen, motion, painted), _finished(frame, task, painted)]

    def flush(self) -> list[Frame]:
        if not self._held:
            return []
        last = self._held.pop()  # painted now, so that those before it are carried to from both sides
        self._kept = self._before_last
        painted = self._advance(last.task, last.seen, last.motion, self._fresh(last.task))
        return [*self._finish(last.seen, last.motion, painted), _finished(last.frame, last.task, painted)]

    def state(self) -> Mapping[str, Tensor]:
        if self._kept is None:
            return {}
        kept = self._kept
        return {
            **{f"anchor.{name}": tensor for name, tensor in kept.anchor.tensors().items()},
            **{f"last.{name}": tensor for name, tensor in kept.last.tensors().items()},
            "tone": torch.from_numpy(kept.tone),
            "run": torch.tensor([kept.run, kept.changed]),
            "style": torch.frombuffer(bytearray(kept.style), dtype=torch.uint8),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._held, self._before_last, self._kept = [], None, None
        if state:
            anchor, last = (
                Followed.of({k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(f"{name}.")})
                for name in ("anchor", "last")
            )
            run, changed = (int(n) for n in state["run"])
            style = state["style"].numpy().tobytes()
            self._kept = Kept(anchor, run, last, state["tone"].numpy(), style, changed)

    def _fresh(self, task: ResolvedTask) -> Array:
        """A frame's own painting."""
        picture = self.tasks.stylizer.render(task, self.on_step).picture
        return _array(picture)

    def _begin(self, frame: Frame, task: ResolvedTask, seen: Seen) -> Frame:
        """The first frame of a shot."""
        painted = self._fresh(task)
        start = Followed.start(seen, painted)
        self._kept = Kept(start, 0, start, np.zeros_like(tones(painted)), _digest(task.styles), LONGEST_RUN)
        return _finished(frame, task, painted)

    def _hold(self, frame: Frame, task: ResolvedTask, seen: Seen, motion: Motion) -> list[Frame]:
        self._before_last = self._kept
        carried = self._advance(task, seen, motion, None)
        assert self._kept is not None
        self._held.append(Held(frame, task, seen, motion, carried, self._kept.last.known[..., None]))
        return []

    def _advance(self, task: ResolvedTask, seen: Seen, motion: Motion, fresh: Array | None) -> Array:
        """The painting of the next frame, of what is kept and its own painting, if it has one."""
        kept = self._kept
        assert kept is not None
        near, far = replace(kept.last, motion=motion), kept.anchor.onwards(seen, motion)
        near_trust, far_trust = near.trust(seen), far.trust(seen)
        style = _digest(task.styles)
        changed = kept.changed + 1 if style == kept.style else 0
        if changed < LONGEST_RUN:  # an anchor would hold the style that there was
            far_trust = np.zeros_like(far_trust)
        grown = lerp(near.growth() * near_trust, far.growth(), far_trust)
        view, near_sure = near.view(near_trust)
        far_view, far_sure = far.view(far_trust)
        view = lerp(view, far_view, far_sure)
        sure = np.maximum(near_sure, far_sure)
        tone = kept.tone
        if fresh is None:
            painted, known = toned(view, tone), sure[..., 0]
        else:
            apart = tones(fresh) - tones(view)
            tone = lerp(tone, apart - apart.clip(-SAME_TONE, SAME_TONE), TONE)
            painted = contrasted(lerp(fresh, toned(view, tone), sure * np.float32(self.steadiness.steady)), fresh)
            known = np.ones_like(sure[..., 0])
        last = Followed.start(seen, painted.clip(0, 1), known, grown)
        run = kept.run + 1
        if fresh is not None and (run >= LONGEST_RUN or far_trust.mean() < LEAST_SHARE * near_trust.mean()):
            self._kept = Kept(last, 0, last, np.zeros_like(tone), style, changed)
        else:
            self._kept = Kept(far, run, last, tone, style, changed)
        return last.painted

    def _finish(self, seen: Seen, motion: Motion, painted: Array) -> list[Frame]:
        """The held frames, carried to from the frame after them too: `painted`, with the `motion` to it."""
        done: list[Frame] = []
        total = len(self._held) + 1
        for n, held in reversed(list(enumerate(self._held, 1))):
            later = replace(Followed.start(seen, painted), motion=Motion(motion.forth, motion.back))
            view, sure = later.view(later.trust(held.seen))
            before, after = held.sure * (total - n) / total + 1e-3, sure * n / total
            painted = np.asarray((held.carried * before + view * after) / (before + after), np.float32)
            done.append(_finished(held.frame, held.task, painted))
            seen, motion = held.seen, held.motion
        self._held = []
        return done[::-1]


def _digest(styles: list[Style]) -> bytes:
    """Equal for equal styles."""
    parts = [[(reference.digest, reference.weight) for reference in style.references] for style in styles]
    return hashlib.sha256(repr(parts).encode()).digest()


def _array(picture: Picture) -> Array:
    """Pixels (H, W, 3)."""
    return np.ascontiguousarray(picture.pixels.permute(1, 2, 0).numpy(), np.float32)


def _finished(frame: Frame, task: ResolvedTask, painted: Array) -> Frame:
    content = task.content
    pixels = content.pixels if task.strength == 0 else torch.from_numpy(painted).permute(2, 0, 1).contiguous()
    return replace(frame, picture=Picture(pixels, content.alpha, content.source))

"""A painter of frames whose marks stay on what they were painted on."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from threading import Barrier

import torch
from torch import Tensor

from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.base import OnStep
from diffstyle.ops.flow import Array
from diffstyle.video.each_frame import FrameTasks
from diffstyle.video.frames import Frame, as_array
from diffstyle.video.settings import Steadiness
from diffstyle.video.steadying.carry import Kept, Sight, carried, carried_back, previous
from diffstyle.video.steadying.follow import Seen
from diffstyle.video.steadying.searches import search_of
from diffstyle.video.steadying.shots import Shots

ABREAST = 2  # frames that are painted side by side on a CPU, each by half of the threads, which wait less
SMALL = 3 * 2**20  # pixels a frame has at most that is painted so, to save memory
LARGE = 8 * 2**20  # pixels above which a frame is joined before the next one is painted, to save memory
QUICK, THOROUGH = 320, 512  # pixels a side of what motion is estimated on, for interactive engines and for others


@dataclass(frozen=True, slots=True)
class Held:
    """A frame that waits for the next one that is painted: what was kept before it and after, and its sight of it."""

    frame: Frame
    task: ResolvedTask
    before: Kept
    sight: Sight
    kept: Kept


class Steady:
    """Paints the frames of a clip so that neighbours agree.

    Of several frames in a row only the `every`-th is painted; those between are carried to from both sides.

    With `ahead`, a frame is joined with the ones before while the engine paints the next one, or the next two where it
    can, and given back only then: faster, where nobody waits for each frame.
    """

    def __init__(
        self, tasks: FrameTasks, steadiness: Steadiness, on_step: OnStep | None = None, *, ahead: bool = False
    ) -> None:
        self.tasks, self.steadiness, self.on_step, self.ahead = tasks, steadiness, on_step, ahead
        self._search = search_of(steadiness, tasks.stylizer.device)
        self._shots: Shots | None = None
        self._held: list[Held] = []
        self._shown: tuple[Picture, Picture] | None = None  # the last frame, and what was made of it
        self._pool = ThreadPoolExecutor(1, "flow")  # motion is estimated while the engine paints
        self._painters: ThreadPoolExecutor | None = None  # where the engine paints frames side by side
        self._pushed: Picture | None = None  # the last frame that was painted ahead
        self._joining: deque[Future[list[Frame]]] = deque()  # that frame and those before it, finished

    def push(self, frame: Frame) -> list[Frame]:
        task = self.tasks.resolved(frame)
        small = frame.picture.width * frame.picture.height <= LARGE
        if self.ahead and small and self.steadiness.every == 1 and not self._follows(task):
            return self._push_ahead(frame, task)
        if self._shown is not None and self._shown[0] is frame.picture:  # one that is shown again
            return [replace(frame, picture=self._shown[1])]
        before = self.flush() if self._joining else []
        self._shown = None  # for its memory, while this one is painted
        done = self._push(frame, task)
        self._shown = (frame.picture, done[-1].picture) if done and done[-1].index == frame.index else None
        return [*before, *done]

    def flush(self) -> list[Frame]:
        joining, self._joining = self._joining, deque()
        done = [frame for joined in joining for frame in joined.result()]
        self._shown = self._pushed = None  # the next frame is painted, as after `restore`
        if not self._held:
            return done
        last = self._held.pop()  # painted now, so that those before it are carried to from both sides
        fresh = self._fresh(self._following(last.task, last.before, last.sight))
        kept, frames = self._painted(last.frame, last.task, last.before, last.sight, fresh)
        assert self._shots is not None  # set by the frame that is held
        self._shots = replace(self._shots, kept=kept)
        return frames

    def state(self) -> Mapping[str, Tensor]:
        return {} if self._shots is None else self._shots.tensors()

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self._held, self._shown, self._shots = [], None, Shots.of(state) if state else None
        self._pushed, self._joining = None, deque()

    def close(self) -> None:
        for pool in (self._painters, self._pool):
            if pool is not None:
                pool.shutdown(cancel_futures=True)

    def _push_ahead(self, frame: Frame, task: ResolvedTask) -> list[Frame]:
        """Begin this frame, to be joined with the earlier ones in the pool; wait for the oldest frame and give it back,
        once more are in work than can be painted side by side.
        """
        again, self._pushed = self._pushed is frame.picture, frame.picture
        several = ABREAST if self._several(task) else 1
        if again:
            fresh = None
        elif several == 1:
            fresh = _known(self._fresh(task))
        else:
            self._painters = self._painters or painters(several)
            fresh = self._painters.submit(copy_context().run, self._fresh, task)  # with what may cancel it
        self._joining.append(self._pool.submit(self._joined, frame, task, fresh))
        return self._joining.popleft().result() if len(self._joining) > several else []

    def _several(self, task: ResolvedTask) -> bool:
        """Whether frames like this one are painted side by side."""
        can = self.tasks.stylizer.engine(task.engine.name).capabilities.reentrant
        small = task.stroke is None and task.content.width * task.content.height <= SMALL  # a stroke enlarges
        return can and small and torch.get_num_threads() >= ABREAST

    def _joined(self, frame: Frame, task: ResolvedTask, painting: Future[Array] | None) -> list[Frame]:
        """A frame, once its own `painting` is done; None if it is the one before, shown again."""
        if painting is None:
            assert self._shown is not None  # set by the frame that is shown again
            return [replace(frame, picture=self._shown[1])]
        shots, seen, fresh = self._fitting(task), _seen(task), painting.result()
        found = None if shots is None else shots.belonging(seen, self._search)
        done = [self._begin(frame, task, seen, fresh)] if found is None else self._onwards(frame, task, *found, fresh)
        self._shown = frame.picture, done[-1].picture
        return done

    def _push(self, frame: Frame, task: ResolvedTask) -> list[Frame]:
        shots, seen = self._fitting(task), _seen(task)
        if shots is None:
            return [*self.flush(), self._begin(frame, task, seen, self._fresh(task))]
        looking = self._pool.submit(shots.belonging, seen, self._search)
        due = len(self._held) + 1 >= self.steadiness.every
        fresh = self._fresh(task) if due and not self._follows(task) else None  # else it waits for the motion
        found = looking.result()
        if found is None:
            return [*self.flush(), self._begin(frame, task, seen, self._fresh(task) if fresh is None else fresh)]
        present, sight = found
        done = [] if present is shots else self.flush()  # those held are of the shot that ends
        if due:
            fresh = self._fresh(self._following(task, present.kept, sight)) if fresh is None else fresh
            return [*done, *self._onwards(frame, task, present, sight, fresh)]
        kept = carried(present.kept, sight, _digest(task.styles), None, self.steadiness.steady)
        self._shots = present.onwards(kept)
        self._held.append(Held(frame, task, present.kept, sight, kept))
        return done

    def _fitting(self, task: ResolvedTask) -> Shots | None:
        """What is kept, unless the frame has another size than those before."""
        shots = self._shots
        return shots if shots is not None and shots.kept.last.painted.shape[1::-1] == task.content.size else None

    def _follows(self, task: ResolvedTask) -> bool:
        """Whether the engine itself keeps to the frame before."""
        return task.engine.capabilities.temporal and self.steadiness.steady > 0

    def _following(self, task: ResolvedTask, kept: Kept, sight: Sight) -> ResolvedTask:
        """The task of a frame, with what was painted before if its engine keeps to that."""
        if not self._follows(task):
            return task
        return replace(task, previous=previous(kept, sight, _digest(task.styles)))

    def _fresh(self, task: ResolvedTask) -> Array:
        """A frame's own painting."""
        pixels = self.tasks.stylizer.render(task, self.on_step).picture.pixels
        if task.content.width * task.content.height > LARGE:
            self.tasks.stylizer.forget()  # what the engine keeps of the frame: the next one is another
        return as_array(pixels)

    def _begin(self, frame: Frame, task: ResolvedTask, seen: Seen, fresh: Array) -> Frame:
        """The first frame of a shot."""
        kept, shots = Kept.start(seen, fresh, _digest(task.styles)), self._fitting(task)
        large = task.content.width * task.content.height > LARGE  # two shots of such frames take too much memory
        self._shots = Shots(kept) if shots is None or large else shots.cut(kept)
        return _finished(frame, task, fresh)

    def _onwards(self, frame: Frame, task: ResolvedTask, shots: Shots, sight: Sight, fresh: Array) -> list[Frame]:
        """The held frames and the next one of the present shot, which has its own painting."""
        kept, done = self._painted(frame, task, shots.kept, sight, fresh)
        self._shots = shots.onwards(kept)
        return done

    def _painted(
        self, frame: Frame, task: ResolvedTask, kept: Kept, sight: Sight, fresh: Array
    ) -> tuple[Kept, list[Frame]]:
        """What a frame that has its own painting leaves to the next, and the held frames and this one."""
        kept = carried(kept, sight, _digest(task.styles), fresh, self.steadiness.steady)
        later = kept.last.painted
        done = [_finished(frame, task, later)]
        for n, held in reversed(list(enumerate(self._held, 1))):
            last, share = held.kept.last, n / (len(self._held) + 1)
            later = carried_back(last.painted, last.known, held.sight.seen, later, sight, share)
            done.append(_finished(held.frame, held.task, later))
            sight = held.sight
        self._held = []
        return kept, done[::-1]


def painters(count: int) -> ThreadPoolExecutor:
    """`count` threads that share those of torch."""
    threads, ready = torch.get_num_threads(), Barrier(count)

    def begin() -> None:
        torch.get_num_threads()  # sets the thread's own number to that of the process, once
        torch.set_num_threads(max(1, threads // count))

    pool = ThreadPoolExecutor(count, "paint", initializer=begin)
    for begun in [pool.submit(ready.wait) for _ in range(count)]:
        begun.result()
    torch.set_num_threads(threads)  # which threads to come begin with
    return pool


def _known(painted: Array) -> Future[Array]:
    """What is painted already."""
    found: Future[Array] = Future()
    found.set_result(painted)
    return found


def _seen(task: ResolvedTask) -> Seen:
    """What motion to a frame is estimated on."""
    return Seen.of(as_array(task.content.opaque()), QUICK if task.engine.capabilities.interactive else THOROUGH)


def _digest(styles: list[Style]) -> bytes:
    """Equal for equal styles."""
    parts = [[(reference.digest, reference.weight) for reference in style.references] for style in styles]
    return hashlib.sha256(repr(parts).encode()).digest()


def _finished(frame: Frame, task: ResolvedTask, painted: Array) -> Frame:
    content = task.content
    pixels = content.pixels if task.strength == 0 else torch.from_numpy(painted).permute(2, 0, 1).contiguous()
    return replace(frame, picture=Picture(pixels, content.alpha, content.source))

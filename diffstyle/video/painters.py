"""Which painter the frames of a clip get."""

from __future__ import annotations

from collections.abc import Callable

from diffstyle.core.task import Task
from diffstyle.engines.base import OnStep
from diffstyle.stylizer import Stylizer
from diffstyle.video.each_frame import EachFrame, FrameTasks
from diffstyle.video.frames import Frame, FramePainter
from diffstyle.video.settings import Steadiness
from diffstyle.video.steadying.painter import Steady


def painter_for(
    stylizer: Stylizer,
    task: Callable[[Frame], Task],
    steadiness: Steadiness,
    on_step: OnStep | None = None,
    *,
    ahead: bool = False,
) -> FramePainter:
    """What paints the frames of one clip: `task` gives the task of each, without mask and at the frame's own size.

    `on_step` is called after every step of a frame; the painter raises Cancelled when it returns False. With `ahead` a
    frame may be given back only when the next one is painted, which is faster.
    """
    tasks = FrameTasks(stylizer, task)
    if steadiness == Steadiness(steady=0):
        return EachFrame(tasks, on_step)
    return Steady(tasks, steadiness, on_step, ahead=ahead)

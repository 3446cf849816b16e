"""What a large frame takes beside itself, and how long frames are kept."""

from __future__ import annotations

import tracemalloc
import weakref
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch

from diffstyle import Picture, Style, Stylizer, Task
from diffstyle.engines.base import Step
from diffstyle.ops.flow import Array, warped
from diffstyle.video.each_frame import EachFrame, FrameTasks
from diffstyle.video.files.colours import to_array, to_frame
from diffstyle.video.frames import Frame, FramePainter
from diffstyle.video.settings import Steadiness
from diffstyle.video.steadying import painter as steady_painter
from diffstyle.video.steadying.joining import contrasted, lerp
from diffstyle.video.steadying.painter import Steady

SIZE = (2048, 1536)


def noise(channels: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random((SIZE[1], SIZE[0], channels), np.float32)


def peak(what: Callable[[], object]) -> float:
    """The most memory that numpy held, in pictures of SIZE."""
    tracemalloc.start()
    try:
        what()
        return tracemalloc.get_traced_memory()[1] / (SIZE[0] * SIZE[1] * 3 * 4)
    finally:
        tracemalloc.stop()


def test_colours_are_converted_in_strips() -> None:
    picture = Picture.from_array(noise(3))
    frame = to_frame(picture, "yuv420p")
    assert peak(lambda: to_frame(picture, "yuv420p")) < 0.8
    assert peak(lambda: to_array(frame)) < 1.7, "the picture itself is 1"


def test_paintings_are_joined_in_strips() -> None:
    a, b, weight, flow = noise(3), noise(3, 1), noise(1)[..., 0], noise(2) - 0.5
    assert peak(lambda: lerp(a, b, weight)) < 1.8, "the result itself is 1"
    assert peak(lambda: lerp(a, b, weight, out=b)) < 0.8
    assert peak(lambda: contrasted(a, b)) < 2.5
    assert peak(lambda: warped(a, flow, sharp=True)) < 1.8


@pytest.mark.parametrize(
    ("name", "threads", "frames"), [("alone", 2, 1), ("steady", 1, 3), ("steady", 2, 4), ("large", 2, 1)]
)
def test_frames_are_not_kept(
    stylizer: Stylizer, name: str, threads: int, frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a frame is painted, no earlier one is kept but, where frames are painted ahead, the two before it, and with
    two threads the one that is painted beside it.
    """
    torch.set_num_threads(threads)
    if name == "large":
        monkeypatch.setattr(steady_painter, "LARGE", 100)
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0

    def count(step: Step) -> None:
        nonlocal most
        del step
        stylizer.forget()  # the engine keeps the last two small ones
        most = max(most, sum(ref() is not None for ref in alive))

    style = Style.from_text("neon")
    tasks = FrameTasks(stylizer, lambda frame: Task(frame.picture, style, engine="adain"))
    painter: FramePainter = EachFrame(tasks, count)
    if name != "alone":
        painter = Steady(tasks, Steadiness(), count, ahead=True)
    photo = noise(3)[:48, :64]
    for n in range(5):
        frame = Frame(n, Fraction(n), Picture.from_array(photo * np.float32(1 - n / 50)))
        alive.append(weakref.ref(frame.picture.pixels))
        painter.push(frame)
        del frame
    painter.flush()
    assert most <= frames

"""Pictures larger than an engine paints well: painted smaller, then enlarged."""

from __future__ import annotations

import pytest

from diffstyle import Picture, Style, Task
from diffstyle.controls.enlarge import Enlarge
from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.task import ResolvedTask
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.base import OnStep
from tests.helpers.models import CPU
from tests.helpers.pictures import grainy

SIDE = 90
SMALLER = (104, 78)  # as many pixels as SIDE squared, in the shape of LARGE
LARGE = (240, 180)


class Limited(Wrapper):
    """The preview, as an engine that paints at most SIDE squared pixels well; it keeps the sizes it was given."""

    def __init__(self, engine: AdaINEngine) -> None:
        super().__init__(engine)
        self.sizes: list[tuple[int, int]] = []

    def largest_side(self, task: ResolvedTask) -> int | None:
        del task
        return SIDE

    def render(self, task: ResolvedTask, on_step: OnStep | None = None) -> Picture:
        self.sizes.append(task.content.size)
        return super().render(task, on_step)


@pytest.fixture(scope="module")
def plain() -> AdaINEngine:
    return AdaINEngine.load(device=CPU)


def test_a_large_picture_is_painted_small_and_keeps_its_size(plain: AdaINEngine, painting: Style) -> None:
    limited = Limited(plain)
    enlarge = Enlarge(limited, detail=plain)
    out = enlarge.render(enlarge.prepare(Task(grainy(*LARGE), painting)))
    assert limited.sizes == [SMALLER]
    assert out.size == LARGE
    assert out.notes == ("Painted at 104x78 and enlarged.",)


def test_enlarging_brings_the_fine_detail_back(plain: AdaINEngine, painting: Style) -> None:
    content = grainy(*LARGE, grain=60)
    enlarge = Enlarge(Limited(plain), detail=plain)
    task = enlarge.prepare(Task(content, painting))
    small = plain.render(plain.prepare(Task(content.resized(SMALLER), painting))).resized(LARGE)

    def fineness(picture: Picture) -> float:
        """What enlarging by itself cannot have."""
        return float((picture.pixels - picture.resized(SMALLER).resized(LARGE).pixels).std())

    assert fineness(enlarge.render(task)) > 0.8 * fineness(plain.render(task)) > 2 * fineness(small)


def test_a_picture_that_is_small_enough_is_left_to_the_engine(plain: AdaINEngine, painting: Style) -> None:
    enlarge = Enlarge(Limited(plain), detail=plain)
    task = enlarge.prepare(Task(grainy(90, 80), painting))
    assert enlarge.render(task) == plain.render(task)
    still = enlarge.prepare(Task(grainy(*LARGE), painting, strength=0))
    assert enlarge.render(still) == still.content

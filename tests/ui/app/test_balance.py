"""What *Find a balance* paints: the candidates of a round, within the limits, and nothing of rounds that are over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from diffstyle_ui.app.balance import begin, paint
from diffstyle_ui.widgets.settings_form import RenderSettings

from diffstyle import Cancelled, Picture, Settings, Style
from diffstyle.core.fields import values_of
from diffstyle.core.task import Task
from diffstyle.engines.registry import engine_names, interactive_engine, settings_class
from diffstyle.evaluation.preference_search import CANDIDATES
from diffstyle.serving.limits import ServerLimits
from diffstyle.serving.renderer import Renderer

PIXELS = 90_000


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    renderer = Renderer(limits=ServerLimits(max_pixels=PIXELS))
    yield renderer
    renderer.close()


def test_a_pick_ends_the_renders_of_its_round(renderer: Renderer, small_photo: Picture, painting: Style) -> None:
    asked = RenderSettings(Settings(seed=4), settings_class(interactive_engine())())
    balance = begin(renderer, asked.task(small_photo, painting), asked)
    first = paint(renderer, balance)
    assert next(first) == 1
    assert [bool(cell["url"]) for cell in balance.shown["cells"]] == [True, *[False] * 5]
    serial = balance.serial
    balance.change(balance.search.pick(0))
    assert balance.serial > serial
    with pytest.raises(Cancelled):
        next(first)
    assert len(balance.pictures) == 1
    assert list(paint(renderer, balance)) == [2, 3, 4, 5, 6]  # the pick is painted already
    urls = [cell["url"] for cell in balance.shown["cells"]]
    assert len(set(urls)) == CANDIDATES
    assert not balance.missing
    balance.change(balance.search.back())
    assert len(balance.missing) == CANDIDATES - 1
    assert balance.found.settings.seed == 4


@pytest.mark.parametrize("engine", [None, *engine_names()])
@pytest.mark.parametrize("shape", [(300, 300), (512, 120)])
def test_every_candidate_is_within_the_limits(
    engine: str | None, shape: tuple[int, int], renderer: Renderer, small_photo: Picture, painting: Style
) -> None:
    asked = RenderSettings(Settings(), settings_class(engine)() if engine else None)
    content = small_photo.resized(shape)
    balance = begin(renderer, asked.task(content, painting), asked)
    can = renderer.settings_for(asked.engine, [painting]).capabilities
    for _ in range(3):
        for settings in balance.search.candidates:
            renderer.limits.check_task(Task(content, painting, **values_of(settings)))
            assert can.structure or settings.structure == Settings().structure
        balance.change(balance.search.pick(3))

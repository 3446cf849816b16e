"""The preview: what it computes once, and large pictures in strips."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from diffstyle import Picture, Style, Task
from diffstyle.controls.resize import Resize
from diffstyle.engines.adain import strips
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.base import Engine
from tests.helpers.models import CPU
from tests.helpers.pictures import largest_difference, mean_difference, waves


def paint(engine: Engine, task: Task) -> Picture:
    return engine.render(engine.prepare(task))


def calls_of(module: nn.Module) -> list[None]:
    """A list that grows by one whenever `module` runs."""
    calls: list[None] = []

    def count(*_: object) -> None:
        calls.append(None)

    module.register_forward_hook(count)
    return calls


def test_many_styles_encode_the_photo_once(small_photo: Picture) -> None:
    engine = AdaINEngine.load(device=CPU)
    calls = calls_of(engine.network.content_encoder)
    styles = [Style.from_image(waves(96, 96, seed=n)) for n in range(3)]
    pictures = [paint(engine, Task(small_photo, style)) for style in styles]
    assert len(calls) == 1
    resized = Resize(engine)
    for style in styles:
        paint(resized, Task(small_photo, style, size=100))
    assert len(calls) == 2
    assert pictures[2] == paint(AdaINEngine.load(device=CPU), Task(small_photo, styles[2]))


def test_a_style_is_measured_once(small_photo: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = AdaINEngine.load(device=CPU)
    paint(engine, Task(small_photo, Style.from_image(waves(96, 96)), strength=0.2))

    def measure_again(*_: object) -> None:
        raise AssertionError("a picture was measured again")

    monkeypatch.setattr(engine.network, "measure", measure_again)
    for strength in (0.4, 1.0):
        paint(engine, Task(small_photo, Style.from_image(waves(96, 96)), strength=strength))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_strips_equal_the_whole(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch, painting: Style) -> None:
    task = Task(Picture.from_array(waves(104, 331)), painting, strength=0.7)
    whole = paint(AdaINEngine.load(device=CPU, dtype=dtype), task)
    monkeypatch.setattr(strips, "WHOLE_PIXELS", 0)
    monkeypatch.setattr(strips, "STRIP_PIXELS", 104 * 64)
    assert len(list(strips.content_strips(336, 104))) == 6
    parts = paint(AdaINEngine.load(device=CPU, dtype=dtype), task)
    assert largest_difference(whole, parts) <= (1e-4 if dtype == torch.float32 else 0.5 / 255)


def test_bfloat16_is_not_seen(painting: Style, small_photo: Picture) -> None:
    exact, fast = (
        paint(AdaINEngine.load(device=CPU, dtype=dtype), Task(small_photo, painting))
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert mean_difference(exact, fast) < 1 / 255
    assert largest_difference(exact, fast) < 24 / 255

"""What wraps an engine keeps what an engine promises."""

from __future__ import annotations

import numpy as np
import torch

from diffstyle import Picture, Settings, Style, Task
from diffstyle.controls.enlarge import Enlarge
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.base import Engine, OnStep
from tests.conftest import waves


def engines(side: int) -> tuple[Engine, Enlarge]:
    preview = AdaINEngine.load(device=torch.device("cpu"))
    return preview, Enlarge(preview, side=side, detail=preview)


def test_a_large_picture_is_painted_small_and_keeps_its_size(painting: Style) -> None:
    content = Picture.from_array(waves(400, 300))
    plain, wrapped = engines(150)
    sizes: list[tuple[int, int]] = []

    class Watched(Enlarge):
        def render(self, task: Task, on_step: OnStep | None = None) -> Picture:
            sizes.append(task.content.size)
            return super().render(task, on_step)

    watched = Enlarge(Watched(plain, side=10_000, detail=plain), side=150, detail=plain)
    out = watched.render(Task.of(content, painting, Settings()))
    assert sizes == [(173, 130)]
    assert out.size == content.size
    assert out.notes == ("Painted at 173x130 and enlarged.",)
    assert out == wrapped.render(Task.of(content, painting, Settings()))


def test_enlarging_brings_the_fine_detail_back(painting: Style) -> None:
    grain = np.random.default_rng(0).integers(-60, 60, (300, 400, 1))
    content = Picture.from_array((waves(400, 300) + grain).clip(0, 255).astype(np.uint8))
    plain, wrapped = engines(150)
    task = Task.of(content, painting, Settings())
    small = plain.render(Task.of(content.resized((173, 130)), painting, Settings())).resized((400, 300))

    def fineness(picture: Picture) -> float:
        """What enlarging by itself cannot have."""
        return float((picture.pixels - picture.resized((173, 130)).resized((400, 300)).pixels).std())

    assert fineness(wrapped.render(task)) > 0.8 * fineness(plain.render(task)) > 2 * fineness(small)


def test_a_picture_that_is_small_enough_is_left_to_the_engine(painting: Style) -> None:
    content = Picture.from_array(waves(100, 80))
    plain, wrapped = engines(150)
    task = Task.of(content, painting, Settings())
    assert wrapped.render(task) == plain.render(task)
    still = Task.of(Picture.from_array(waves(400, 300)), painting, Settings(strength=0))
    assert wrapped.render(still) == still.content

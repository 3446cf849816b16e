"""Engines that keep to the painting of the frame before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from diffstyle import Cancelled, InputError, Picture, Style, Stylizer, Task
from diffstyle.assets.style_spec import parse_style
from diffstyle.core.mask import Mask
from diffstyle.core.settings import EngineSettings
from diffstyle.core.task import Previous, ResolvedTask
from diffstyle.engines.base import Step
from diffstyle.engines.gatys.settings import Gatys
from diffstyle.engines.optimised import resume
from diffstyle.engines.optimised.settings import Optimizer
from diffstyle.engines.registry import engine_names, settings_class
from diffstyle.evaluation.warping import warping_errors
from diffstyle.video.each_frame import EachFrame, FrameTasks
from diffstyle.video.frames import Frame, FramePainter, as_array
from diffstyle.video.settings import Steadiness
from diffstyle.video.steadying.painter import Steady
from tests.helpers.motion import as_frames, pan
from tests.helpers.pictures import mean_difference
from tests.helpers.quick import some_quick

TEMPORAL = [settings_class(name) for name in engine_names() if settings_class(name).capabilities.temporal]


@pytest.fixture(params=some_quick(TEMPORAL), ids=lambda cls: cls.name)
def temporal(request: pytest.FixtureRequest) -> Callable[..., EngineSettings]:
    return request.param


def trusted(painted: Picture, trust: float) -> Previous:
    """`painted` as the frame before, trusted alike everywhere."""
    return Previous(painted, Mask(torch.full((1, painted.height, painted.width), trust)))


def few(temporal: Callable[..., EngineSettings], **values: Any) -> EngineSettings:
    return temporal(iterations=5, scales=2, **values)


def prepared(stylizer: Stylizer, photo: Picture, style: Style, engine: EngineSettings) -> ResolvedTask:
    return stylizer.prepare(Task(photo, style, engine=engine))


def test_some_engine_is_temporal() -> None:
    assert Gatys in TEMPORAL


def test_nothing_changes_where_nothing_is_trusted(
    temporal: Callable[..., EngineSettings], stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    tasks = [prepared(stylizer, small_photo, painting, few(temporal, temporal_weight=w)) for w in (0.0, 1e4)]
    plain, weighted = (stylizer.render(task).picture for task in tasks)
    inverted = replace(small_photo, pixels=1 - small_photo.pixels)
    unseen = stylizer.render(replace(tasks[1], previous=trusted(inverted, 0.0))).picture
    assert plain == weighted == unseen


def test_the_frame_before_is_kept_to_where_it_is_trusted(
    temporal: Callable[..., EngineSettings], stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    task = prepared(stylizer, small_photo, painting, few(temporal))
    plain = stylizer.render(task).picture
    other = replace(plain, pixels=(plain.pixels + 0.15).clamp(0, 1))
    trust = torch.zeros(1, plain.height, plain.width)
    trust[..., : plain.width // 2] = 1
    held = stylizer.render(replace(task, previous=Previous(other, Mask(trust)))).picture
    left, right = (
        [float((held.pixels - p.pixels)[..., part].abs().mean()) for p in (other, plain)]
        for part in (slice(0, 50), slice(66, None))
    )
    assert left[0] < 0.5 * left[1]
    assert right[1] < 0.5 * right[0]


def test_it_may_have_another_size(stylizer: Stylizer, small_photo: Picture, painting: Style) -> None:
    task = prepared(stylizer, small_photo, painting, few(Gatys))
    before = stylizer.render(task).picture
    small, large = (
        stylizer.render(replace(task, previous=trusted(p, 1.0), stroke=s)).picture
        for p, s in ((before.resized((58, 38)), None), (before, 4.0))
    )
    for found in (small, large):
        assert found.size == small_photo.size
        assert mean_difference(found, before) < 0.05


def test_its_recipe_cannot_be_saved(stylizer: Stylizer, small_photo: Picture, painting: Style, tmp_path: Path) -> None:
    task = prepared(stylizer, small_photo, painting, few(Gatys))
    result = stylizer.render(replace(task, previous=trusted(small_photo, 1.0), strength=0.0))
    with pytest.raises(InputError, match="give recipe=False"):
        result.save(tmp_path / "frame.png")
    assert result.save(tmp_path / "frame.png", recipe=False).is_file()


@pytest.mark.parametrize("optimizer", ["adam", pytest.param("lbfgs", marks=pytest.mark.long)])
def test_a_frame_that_is_interrupted_goes_on(
    optimizer: Optimizer,
    stylizer: Stylizer,
    small_photo: Picture,
    painting: Style,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resume, "EVERY", 0.0)
    monkeypatch.setattr(resume, "cache_folder", lambda: tmp_path)
    task = prepared(stylizer, small_photo, painting, Gatys(optimizer=optimizer, resume="on", iterations=10, scales=2))
    before = stylizer.render(task).picture
    task = replace(task, previous=trusted(before, 0.5))
    whole = stylizer.render(task).picture
    steps: list[Step] = []

    def stop(step: Step) -> bool:
        steps.append(step)
        return len(steps) < 16

    with pytest.raises(Cancelled):
        stylizer.render(task, stop)
    seen: list[Step] = []
    other = replace(task, previous=trusted(before, 0.25))
    stylizer.render(other, seen.append)
    assert len(seen) > 16, "it is another frame"
    seen.clear()
    assert stylizer.render(task, seen.append).picture == whole
    assert len(seen) < 10


def test_the_weight_holds_it_to_the_frame_before(
    temporal: Callable[..., EngineSettings], stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    def away(weight: float) -> float:
        engine = temporal(iterations=10, scales=1, temporal_weight=weight)
        task = prepared(stylizer, small_photo, painting, engine)
        held = stylizer.render(replace(task, previous=trusted(small_photo, 1.0))).picture
        return mean_difference(held, small_photo)

    assert away(1e5) < 0.6 * away(0.0)


def test_a_clip_is_steadier_with_the_temporal_loss(stylizer: Stylizer, painting: Style) -> None:
    photos = pan(4, noise=0.01, size=(96, 72))
    frames = as_frames(photos)
    tasks = FrameTasks(stylizer, lambda f: Task(f.picture, painting, engine=Gatys(scales=2, iterations=10)))

    def error(painter: FramePainter) -> float:
        done: list[Frame] = [out for frame in frames for out in painter.push(frame)]
        done += painter.flush()
        return warping_errors(photos, [[as_array(f.picture.pixels) for f in done]])[0][1]

    alone = error(EachFrame(tasks))
    assert error(Steady(tasks, Steadiness(steady=0.001))) < 0.5 * alone, "by the temporal loss nearly alone"
    assert error(Steady(tasks, Steadiness())) < 0.3 * alone


def test_a_clip_follows_a_change_of_style(stylizer: Stylizer) -> None:
    before, after = (parse_style([name]) for name in ("van-gogh-starry-night", "ink line drawing"))
    frames = as_frames(pan(6, step=(0, 0), size=(96, 64)))
    tasks = FrameTasks(stylizer, lambda f: Task(f.picture, after if f.index >= 2 else before, engine=few(Gatys)))
    wanted = EachFrame(tasks).push(frames[-1])[0].picture
    painter = Steady(tasks, Steadiness())
    done = [out.picture for frame in frames for out in painter.push(frame)]
    assert mean_difference(done[-1], wanted) < 0.1 * mean_difference(done[1], wanted)


def test_frames_that_are_held_are_painted_from_both_sides(stylizer: Stylizer, painting: Style) -> None:
    frames = as_frames(pan(6, size=(96, 72)))
    tasks = FrameTasks(stylizer, lambda f: Task(f.picture, painting, engine=few(Gatys)))
    whole, other = (Steady(tasks, Steadiness(every=3)) for _ in range(2))
    first = [out for frame in frames[:3] for out in whole.push(frame)] + whole.flush()
    other.restore({name: tensor.clone() for name, tensor in whole.state().items()})
    rest, again = (
        [out for frame in frames[3:] for out in painter.push(frame)] + painter.flush() for painter in (whole, other)
    )
    assert [f.index for f in (*first, *rest)] == list(range(6))
    assert [f.picture for f in rest] == [f.picture for f in again]

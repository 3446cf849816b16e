"""What every engine promises. Engines come from the registry, and paint with the starter's weights."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
import torch

from diffstyle import Cancelled, InputError, Picture, Style, Stylizer, Task
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.base import Step
from diffstyle.engines.registry import engine_names, settings_class
from tests.helpers.pictures import grainy, largest_difference, mean_difference, waves, with_alpha
from tests.helpers.styles import OTHER_WORDS, suited


@pytest.fixture(scope="module")
def painting(engine: EngineSettings, painting: Style) -> Style:
    return suited(engine, painting)


@pytest.fixture(scope="module")
def other_painting(engine: EngineSettings, other_painting: Style) -> Style:
    return suited(engine, other_painting, OTHER_WORDS)


def test_some_engine_is_interactive() -> None:
    assert any(settings_class(name).capabilities.interactive for name in engine_names())


def test_strength_zero_is_the_photo(
    engine: EngineSettings, stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    assert stylizer.stylize(small_photo, painting, strength=0, engine=engine).picture == small_photo


def test_equal_seeds_give_equal_pictures(
    engine: EngineSettings, stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    def paint(seed: int) -> Picture:
        return stylizer.stylize(small_photo, painting, seed=seed, engine=engine).picture

    first = paint(3)
    assert (paint(4) != first) == engine.capabilities.seeded
    assert paint(3) == first


def test_a_picture_does_not_depend_on_those_before_it(
    engine: EngineSettings, stylizer: Stylizer, painting: Style
) -> None:
    photos = [Picture.from_array(waves(w, h, seed=n)) for n, (w, h) in enumerate(((64, 64), (64, 64), (33, 90)))]
    together = [stylizer.stylize(p, painting, engine=engine).picture for p in photos]
    for n in (1, 2):
        assert Stylizer.of(stylizer.options).stylize(photos[n], painting, engine=engine).picture == together[n]


def test_several_threads_may_paint_where_an_engine_says_so(
    engine: EngineSettings, stylizer: Stylizer, painting: Style
) -> None:
    if not stylizer.engine(engine.name).capabilities.reentrant:
        pytest.skip("it does not say so")
    photos = [Picture.from_array(waves(48, 64, seed=seed)) for seed in range(12)]
    looks = [(1.0, 0.0), (0.5, 0.0), (1.0, 0.5)]  # strength and sharpness
    asked = [
        Task(photo, painting, engine=engine, strength=strength, sharpness=sharpness)
        for photo, (strength, sharpness) in zip(photos, cycle(looks), strict=False)
    ]
    tasks = [stylizer.prepare(task) for task in asked]
    expected = [stylizer.render(task).picture for task in tasks]
    stylizer.forget()
    with ThreadPoolExecutor(3) as threads:
        found = [result.picture for result in threads.map(stylizer.render, tasks)]
    assert found == expected


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (33, 200)])
def test_size_and_alpha_are_kept(
    engine: EngineSettings, size: tuple[int, int], stylizer: Stylizer, painting: Style
) -> None:
    content = with_alpha(Picture.from_array(waves(*size)))
    out = stylizer.stylize(content, painting, engine=engine).picture
    assert out.size == size
    assert out.alpha is not None
    assert content.alpha is not None
    assert torch.equal(out.alpha, content.alpha)
    assert bool(torch.isfinite(out.pixels).all())
    assert out.pixels.min() >= 0
    assert out.pixels.max() <= 1


def test_a_larger_strength_goes_further_from_the_photo(
    engine: EngineSettings, stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    strengths = (0.01, 0.3, 0.6, 1)
    pictures = [stylizer.stylize(small_photo, painting, strength=s, engine=engine).picture for s in strengths]
    distances = [mean_difference(p, small_photo) for p in pictures]
    assert distances == sorted(distances)
    assert distances[0] < 0.015  # no jump at the start; diffusion has the noise of its first levels
    assert distances[-1] > 0.03  # and something to see at the end


def test_size_is_the_longest_side(
    engine: EngineSettings, stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    assert stylizer.stylize(small_photo, painting, size=96, engine=engine).picture.size == (96, 63)
    tall = Picture(small_photo.pixels.mT.contiguous())
    assert stylizer.stylize(tall, painting, size=140, engine=engine).picture.size == (92, 140)


def test_a_cancelled_render_leaves_nothing_behind(
    engine: EngineSettings, stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    task = Task(small_photo, painting, engine=engine)
    seen: list[tuple[int, int]] = []
    before = stylizer.render(task, lambda s: seen.append((s.done, s.total))).picture
    assert seen == sorted(seen)
    assert seen[0][0] == 0
    assert seen[-1][0] == seen[-1][1]
    for last in (0, len(seen) - 1):
        calls: list[Step] = []

        def stop(step: Step, last: int = last, calls: list[Step] = calls) -> bool:
            calls.append(step)
            return len(calls) <= last

        with pytest.raises(Cancelled):
            stylizer.render(task, stop)
        assert len(calls) == last + 1
    assert stylizer.render(task).picture == before


def test_a_blend_of_styles_lies_between_them(
    engine: EngineSettings, stylizer: Stylizer, small_photo: Picture, painting: Style, other_painting: Style
) -> None:
    def paint(style: Style) -> Picture:
        return stylizer.stylize(small_photo, style, engine=engine).picture

    one, other = paint(painting), paint(other_painting)
    middle = paint(Style.mix({painting: 1, other_painting: 1}))
    apart = mean_difference(one, other)
    assert all(mean_difference(middle, end) < apart for end in (one, other))
    assert mean_difference(paint(Style.mix({painting: 1, other_painting: 1e-4})), one) < 0.01


def test_the_palette_is_the_styles(engine: EngineSettings, stylizer: Stylizer, small_photo: Picture) -> None:
    if engine.capabilities.needs_words or engine.capabilities.own_styles:
        pytest.skip("it takes no colours from pictures")
    blue = np.clip(waves(160, 160, seed=3).astype(int) // 4 + np.array([0, 40, 150]), 0, 255).astype(np.uint8)
    out = stylizer.stylize(small_photo, Style.from_image(blue), engine=engine).picture
    wanted = torch.from_numpy(blue).float().mean((0, 1)) / 255
    assert float((out.pixels.mean((1, 2)) - wanted).abs().max()) < 0.1


@pytest.mark.parametrize("flat", ["one colour", "two colours", "half transparent", "black"])
def test_flat_pictures_can_be_photos_and_styles(
    engine: EngineSettings, flat: str, stylizer: Stylizer, small_photo: Picture
) -> None:
    poster = np.full((64, 96, 3), (200, 30, 90), np.uint8)
    poster[:, 48:] = (20, 40, 220)
    clear = np.where(np.arange(96) < 48, 255, 0) + np.zeros((64, 1))
    picture = {
        "one colour": poster[:, :48],
        "two colours": poster,
        "half transparent": np.dstack([poster, clear]).astype(np.uint8),
        "black": np.zeros((64, 64), np.uint8),
    }[flat]
    for content in (small_photo, Picture.from_array(picture)):
        out = stylizer.stylize(content, suited(engine, Style.from_image(picture)), engine=engine).picture
        assert bool(torch.isfinite(out.pixels).all())


def test_a_very_long_picture_keeps_its_shape(engine: EngineSettings, stylizer: Stylizer, painting: Style) -> None:
    content = grainy(701, 37)
    for stroke in (None, 4.0):
        out = stylizer.stylize(content, painting, engine=engine, stroke=stroke).picture
        assert out.size == content.size
        assert bool(torch.isfinite(out.pixels).all())


def test_clear_pixels_are_no_part_of_a_style(engine: EngineSettings, stylizer: Stylizer, small_photo: Picture) -> None:
    colours = waves(160, 120, seed=1)
    hidden = colours.copy()
    hidden[:, 80:] = (0, 255, 0)
    clear = np.where(np.arange(160) < 80, 255, 0) + np.zeros((120, 1))
    styles = [suited(engine, Style.from_image(np.dstack([c, clear]).astype(np.uint8))) for c in (colours, hidden)]
    pictures = [stylizer.stylize(small_photo, s, engine=engine).picture for s in styles]
    assert largest_difference(*pictures) < 0.02


def test_a_resolved_task_needs_no_pictures_of_its_style(
    engine: EngineSettings, stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    result = stylizer.stylize(small_photo, painting, engine=engine, seed=5)
    assert isinstance(result.task.engine, type(engine))
    assert stylizer.render(result.task).picture == result.picture
    bare = replace(result.task.style, references=tuple(replace(r, pictures=()) for r in result.task.style.references))
    assert stylizer.render(replace(result.task, style=bare)).picture == result.picture
    assert stylizer.stylize(small_photo, bare, engine=engine, seed=5).picture == result.picture


def test_a_result_names_the_weights_that_made_it(
    engine: EngineSettings, stylizer: Stylizer, small_photo: Picture, painting: Style
) -> None:
    result = stylizer.stylize(small_photo, painting, engine=engine)
    assert result.weights
    assert all(re.fullmatch("[0-9a-f]{12,64}", digest) for digest in result.weights.values())
    assert result.runtime["device"] == "cpu"
    assert result.options == stylizer.options


def test_a_setting_that_an_engine_cannot_honour_is_refused(
    engine: EngineSettings, stylizer: Stylizer, small_photo: Picture, painting: Style, other_painting: Style
) -> None:
    can = engine.capabilities
    asked = [
        ("structure", can.structure, Task(small_photo, painting, engine=engine, structure=0.9)),
        ("negative_style", can.negative, Task(small_photo, painting, engine=engine, negative_style=other_painting)),
    ]
    for word, honoured, task in asked:
        if honoured:
            stylizer.prepare(task)
        else:
            with pytest.raises(InputError, match=word):
                stylizer.prepare(task)
        assert stylizer.preview(task).picture.size == small_photo.size


def test_an_engine_that_needs_words_says_so(engine: EngineSettings, stylizer: Stylizer, small_photo: Picture) -> None:
    pictures = Style.from_image(waves(64, 64))
    if engine.capabilities.needs_words:
        with pytest.raises(InputError, match="has none"):
            stylizer.prepare(Task(small_photo, pictures, engine=engine))
    elif engine.capabilities.own_styles:
        with pytest.raises(InputError, match="does not paint"):
            stylizer.prepare(Task(small_photo, pictures, engine=engine))
    else:
        stylizer.prepare(Task(small_photo, pictures, engine=engine))

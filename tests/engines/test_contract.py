"""What every engine promises, on the starter's real weights and on a tiny random diffusion model."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from diffstyle import Cancelled, Picture, Settings, Style, Stylizer, Task
from diffstyle.controls.resize import Resize
from diffstyle.core.task import EngineName
from diffstyle.engines.adain import strips
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.adain.network import StyleStatistics
from diffstyle.engines.base import Step
from tests.conftest import waves

ENGINES: list[EngineName] = list(get_args(EngineName))
DETERMINED = {"adain"}  # engines that leave nothing to chance
every_engine = pytest.mark.parametrize("engine", ENGINES)


@pytest.fixture(scope="module", params=["starter", "tiny"])
def stylizer(request: pytest.FixtureRequest, stylizer: Stylizer, diffuser: Stylizer) -> Stylizer:
    return stylizer if request.param == "starter" else diffuser


def trained(engine: EngineName, stylizer: Stylizer) -> bool:
    """Whether what it paints can be judged."""
    return engine == "adain" or stylizer.options.model == "starter"


@every_engine
def test_strength_zero_is_the_content(engine: EngineName, stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    assert stylizer.stylize(photo, painting, strength=0, engine=engine).picture == photo


@every_engine
def test_equal_seeds_equal_pictures(engine: EngineName, stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    def paint(seed: int) -> Picture:
        return stylizer.stylize(photo, painting, seed=seed, engine=engine).picture

    first = paint(3)
    assert (paint(4) == first) == (engine in DETERMINED)
    assert paint(3) == first
    again = Stylizer.of(stylizer.options)
    assert again.stylize(photo, painting, seed=3, engine=engine).picture == first


@every_engine
@pytest.mark.parametrize("size", [(64, 64), (65, 97), (33, 200)])
def test_size_and_alpha_are_kept(
    engine: EngineName, size: tuple[int, int], stylizer: Stylizer, painting: Style
) -> None:
    array = np.dstack([waves(*size), waves(*size, seed=5)[..., :1]])
    content = Picture.from_array(array)
    out = stylizer.stylize(content, painting, engine=engine).picture
    assert out.size == size
    assert out.alpha is not None
    assert content.alpha is not None
    assert torch.equal(out.alpha, content.alpha)
    assert out.pixels.min() >= 0
    assert out.pixels.max() <= 1
    assert bool(torch.isfinite(out.pixels).all())


@every_engine
def test_strength_moves_steadily(engine: EngineName, stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    pictures = [stylizer.stylize(photo, painting, strength=s, engine=engine).picture for s in (0, 0.01, 0.3, 0.6, 1)]
    distances = [float((p.pixels - photo.pixels).abs().mean()) for p in pictures]
    assert distances[-1] > 0.03
    if trained(engine, stylizer):
        assert distances == sorted(distances)
        assert distances[1] < 0.01


@every_engine
def test_size_is_the_longest_side(engine: EngineName, stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    assert stylizer.stylize(photo, painting, size=96, engine=engine).picture.size == (96, 63)
    tall = Picture(photo.pixels.mT.contiguous())
    assert stylizer.stylize(tall, painting, size=300, engine=engine).picture.size == (197, 300)


@every_engine
def test_cancelling_leaves_the_engine_usable(
    engine: EngineName, stylizer: Stylizer, photo: Picture, painting: Style
) -> None:
    def stop(step: Step) -> bool:
        return step.done > step.total

    before = stylizer.stylize(photo, painting, engine=engine).picture
    with pytest.raises(Cancelled):
        stylizer.stylize(photo, painting, engine=engine, on_step=stop)
    seen: list[tuple[int, int]] = []
    after = stylizer.stylize(photo, painting, engine=engine, on_step=lambda s: seen.append((s.done, s.total)))
    assert after.picture == before
    assert seen[-1][0] == seen[-1][1]
    assert seen == sorted(seen)


@every_engine
def test_a_blend_lies_between(engine: EngineName, stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    other = Style.from_image(255 - waves(128, 128, seed=9) // 2)
    ends = [stylizer.stylize(photo, s, engine=engine).picture.pixels for s in (painting, other)]
    middle = stylizer.stylize(photo, Style.mix({painting: 1, other: 1}), engine=engine).picture.pixels
    apart = float((ends[0] - ends[1]).abs().mean())
    assert all(float((middle - end).abs().mean()) < apart for end in ends)
    nearly = stylizer.stylize(photo, Style.mix({painting: 1, other: 1e-4}), engine=engine).picture.pixels
    assert float((nearly - ends[0]).abs().mean()) < 0.01


@every_engine
def test_the_palette_is_the_styles(engine: EngineName, stylizer: Stylizer, photo: Picture) -> None:
    if not trained(engine, stylizer):
        pytest.skip("random weights have no palette")
    blue = np.clip(waves(160, 160, seed=3).astype(int) // 4 + np.array([0, 40, 150]), 0, 255).astype(np.uint8)
    out = stylizer.stylize(photo, Style.from_image(blue), engine=engine).picture
    mean = out.pixels.mean((1, 2))
    wanted = torch.from_numpy(blue).float().mean((0, 1)) / 255
    assert float((mean - wanted).abs().max()) < 0.1


@every_engine
@pytest.mark.parametrize("size", [None, 700])
def test_flat_pictures_are_pictures_too(
    engine: EngineName, size: int | None, stylizer: Stylizer, photo: Picture
) -> None:
    solid = np.full((200, 300, 3), (200, 30, 90), np.uint8)
    poster = solid.copy()
    poster[:, 150:] = (20, 40, 220)
    cut_out = np.dstack([poster, np.where(np.arange(300) < 150, 255, 0) + np.zeros((200, 1))]).astype(np.uint8)
    flats = (solid, poster, cut_out, np.zeros((64, 64), np.uint8))
    for flat in flats if size is None else flats[1:2]:
        style = Style.from_image(flat)
        for content in (photo, Picture.from_array(flat)):
            out = stylizer.stylize(content, style, size=size, engine=engine).picture
            assert bool(torch.isfinite(out.pixels).all())


@every_engine
def test_clear_pixels_are_no_part_of_a_style(engine: EngineName, stylizer: Stylizer, photo: Picture) -> None:
    colours = waves(160, 120, seed=1)
    hidden = colours.copy()
    hidden[:, 80:] = (0, 255, 0)
    clear = np.where(np.arange(160) < 80, 255, 0) + np.zeros((120, 1))
    one, other = (Style.from_image(np.dstack([c, clear]).astype(np.uint8)) for c in (colours, hidden))
    pictures = [stylizer.stylize(photo, s, engine=engine).picture.pixels for s in (one, other)]
    assert float((pictures[0] - pictures[1]).abs().max()) < 0.02


def test_the_result_says_what_made_it(stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    result = stylizer.stylize(photo, painting, engine="adain")
    assert list(result.weights) == ["starter/preview/preview.safetensors"]
    assert all(seconds >= 0 for seconds in result.seconds.values())
    assert all(r.statistics for r in result.task.style.references)


def test_ten_styles_encode_the_content_once(photo: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = AdaINEngine.load(device=torch.device("cpu"))
    calls: list[int] = []
    encoder = engine.network.content_encoder
    original = encoder.forward

    def counted(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        calls.append(1)
        return original(x)

    monkeypatch.setattr(encoder, "forward", counted)
    styles = [Style.from_image(waves(96, 96, seed=n)) for n in range(10)]
    pictures = [engine.render(Task.of(photo, style, Settings())) for style in styles]
    assert len(calls) == 1
    resized = Resize(engine)
    for style in styles:
        resized.render(Task.of(photo, style, Settings(size=100)))
    assert len(calls) == 2
    monkeypatch.undo()
    assert pictures[7] == Stylizer.load(device="cpu").stylize(photo, styles[7], engine="adain").picture


def test_a_style_is_measured_once(photo: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = AdaINEngine.load(device=torch.device("cpu"))
    calls: list[int] = []
    original = engine.network.measure

    def counted(style: torch.Tensor) -> StyleStatistics:
        calls.append(1)
        return original(style)

    monkeypatch.setattr(engine.network, "measure", counted)
    for strength in (0.2, 0.4, 0.6, 1.0):
        engine.render(Task.of(photo, Style.from_image(waves(96, 96)), Settings(strength=strength)))
    assert len(calls) == 2  # the style, and the content for strengths below 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_strips_equal_the_whole(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch, painting: Style) -> None:
    content = Picture.from_array(waves(200, 331))
    task = Task.of(content, painting, Settings(strength=0.7))
    whole = AdaINEngine.load(device=torch.device("cpu"), dtype=dtype).render(task)
    monkeypatch.setattr(strips, "WHOLE_PIXELS", 0)
    monkeypatch.setattr(strips, "STRIP_PIXELS", 200 * 64)
    parts = AdaINEngine.load(device=torch.device("cpu"), dtype=dtype).render(task)
    assert len(list(strips.strips(336, 200))) == 6
    tolerance = 1e-4 if dtype == torch.float32 else 0.5 / 255
    assert float((whole.pixels - parts.pixels).abs().max()) <= tolerance


def test_bfloat16_is_not_seen(painting: Style, photo: Picture) -> None:
    task = Task.of(photo, painting, Settings())
    exact = AdaINEngine.load(device=torch.device("cpu"), dtype=torch.float32).render(task)
    fast = AdaINEngine.load(device=torch.device("cpu"), dtype=torch.bfloat16).render(task)
    error = (exact.pixels - fast.pixels).abs()
    assert float(error.mean()) < 1 / 255
    assert float(error.max()) < 24 / 255


def test_a_content_that_changes_is_encoded_again(stylizer: Stylizer, painting: Style) -> None:
    one, two, three = (Picture.from_array(waves(64, 64, seed=n)) for n in range(3))
    alone = [Stylizer.of(stylizer.options).stylize(p, painting, engine="adain").picture for p in (one, two, three)]
    together = [stylizer.stylize(p, painting, engine="adain").picture for p in (one, two, three)]
    assert together == alone
    assert replace(one) == one

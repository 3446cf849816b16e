"""Whose colours a result has, and how far they are from where they were to go."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diffstyle import Picture, Style, Stylizer
from diffstyle.ops import lab
from diffstyle.ops.lab import by_rows, greys, in_gamut, mean_ab_distance, to_lab, to_srgb, towards
from diffstyle.ops.transport import FLOOR, Gaussian, transport
from tests.conftest import waves


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_transport_carries_one_gaussian_to_another_and_moves_little(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (Gaussian(rng.normal(0, 30, 3), (a := rng.normal(0, 12, (3, 3))) @ a.T) for _ in range(2))
    matrix, offset = transport(one, other)
    assert np.allclose(matrix @ one.mean + offset, other.mean, atol=1e-2)
    floor = FLOOR**2 * np.eye(3)
    there = other.covariance + floor
    assert np.abs(matrix @ (one.covariance + floor) @ matrix.T - there).max() < 1e-3 * np.abs(there).max()
    assert np.allclose(matrix, matrix.T, atol=1e-4)  # the map of least motion is the gradient of a convex function
    same, nothing = transport(one, one)
    assert np.allclose(same, np.eye(3), atol=1e-4)
    assert np.allclose(nothing, 0, atol=1e-2)


def test_what_srgb_lacks_goes_towards_its_anchor_and_no_further() -> None:
    rng = np.random.default_rng(0)
    wild = rng.uniform((0, -100, -100), (100, 100, 100), (500, 3)).astype(np.float32)
    there = towards(wild, greys(wild))
    assert in_gamut(there).all()
    assert np.abs(to_lab(to_srgb(there)) - there).max() < 0.5
    assert np.allclose(there[:, 0], wild[:, 0], atol=1e-3)
    turned = there[:, 1] * wild[:, 2] - there[:, 2] * wild[:, 1]
    assert np.abs(turned).max() < 0.1
    tame = to_lab(rng.uniform(0, 1, (500, 3)).astype(np.float32))
    assert np.array_equal(towards(tame, greys(tame)), tame)


def test_large_pictures_go_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (Picture.from_array(waves(60, 50, seed=n)).pixels for n in range(2))

    def both(a: lab.Array, b: lab.Array) -> lab.Array:
        return a * b

    whole, distance = by_rows(both, one, other), mean_ab_distance(one, other)
    monkeypatch.setattr(lab, "STRIP_PIXELS", 60 * 7)
    assert torch.equal(by_rows(both, one, other), whole)
    assert mean_ab_distance(one, other) == pytest.approx(distance)
    assert mean_ab_distance(one, one) == 0


def saturated() -> Picture:
    """Deep blue, red and green beside each other, with grain."""
    flat = np.repeat(np.array([[20, 20, 120], [160, 20, 20], [10, 90, 20]]), 40, 0)[None] + np.zeros((80, 1, 1))
    grain = np.random.default_rng(0).integers(-15, 15, flat.shape)
    return Picture.from_array((flat + grain).clip(0, 255).astype(np.uint8))


def test_saturated_colours_do_not_wash_out(stylizer: Stylizer) -> None:
    paper = Style.from_image(np.clip(waves(96, 96, seed=2).astype(int) // 8 + 220, 0, 255).astype(np.uint8))
    photo = saturated()
    result = stylizer.stylize(photo, paper, colour="keep")
    assert result.measures["delta_e_content"] < 0.5
    plain = stylizer.stylize(photo, paper).picture

    def naive(painted: lab.Array, content: lab.Array) -> lab.Array:
        return to_srgb(np.concatenate([to_lab(painted)[..., :1], to_lab(content)[..., 1:]], -1))

    cut = by_rows(naive, plain.pixels, photo.pixels)
    assert mean_ab_distance(cut, photo.pixels) > 3

    def saturation(pixels: torch.Tensor) -> float:
        high, low = pixels.amax(0), pixels.amin(0)
        return float(((high - low) / high.clamp_min(1e-3)).mean())

    assert saturation(result.picture.pixels) > 1.3 * saturation(cut)


@pytest.mark.parametrize("colour", ["match", "palette"])
def test_the_styles_colours_are_reached(colour: str, stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    result = stylizer.stylize(photo, painting, colour=colour)  # pyright: ignore[reportArgumentType]
    assert result.measures["delta_e_style"] < 3
    assert result.measures["delta_e_content"] > 10


def test_words_have_colours_too(stylizer: Stylizer, diffuser: Stylizer, photo: Picture) -> None:
    style = Style.from_text("watercolour in blue")
    for painter in (stylizer, diffuser):
        out = painter.stylize(photo, style, colour="palette").picture
        mean = out.pixels.mean((1, 2))
        assert float(mean[2]) > float(mean[0])


def test_the_weight_lies_between(stylizer: Stylizer, photo: Picture, painting: Style) -> None:
    off, half, keep = (
        stylizer.stylize(photo, painting, colour="keep", colour_weight=w).picture.pixels for w in (0, 0.5, 1)
    )
    assert torch.equal(off, stylizer.stylize(photo, painting).picture.pixels)
    assert float((half - (off + keep) / 2).abs().max()) < 1e-5
    small = stylizer.stylize(photo, painting, colour="palette", strength=0.02).picture
    assert float((small.pixels - photo.pixels).abs().mean()) < 0.02

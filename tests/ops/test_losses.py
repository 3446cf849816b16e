"""Losses, patches and edges: what they tell apart, and what they do not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from diffstyle.data.procedural import render
from diffstyle.encoders.squeezenet import STYLE_LAYERS, SqueezeNet
from diffstyle.ops import losses
from diffstyle.ops.edges import correlation, edge_correlation
from diffstyle.ops.gram import gram
from diffstyle.ops.luma import luma
from diffstyle.ops.patches import patch_distance, relative_texture_distance
from tests.conftest import waves


def picture(seed: int, medium: str = "", side: int = 96) -> Tensor:
    """(1, 3, side, side): waves, or a rendering of them."""
    pixels = waves(side, side, seed=seed)
    if medium:
        pixels = render(pixels, medium, np.random.default_rng(seed), longest=side).pixels[:side, :side]
    found = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    return torch.nn.functional.interpolate(found, (side, side))


def test_perfect_matches_cost_nothing() -> None:
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    features = SqueezeNet()(pictures)
    assert set(STYLE_LAYERS) <= set(features)
    for layer in STYLE_LAYERS:
        f = features[layer]
        assert losses.gram_loss(f, gram(f)).abs().max() < 1e-5
        assert losses.moment_loss(f, *losses.moments(f)).abs().max() < 1e-5
    assert losses.relative_square(pictures, pictures).max() == 0
    flat = torch.full((1, 3, 16, 16), 0.5)
    assert losses.total_variation(flat).max() == 0
    assert losses.flat_variation(torch.rand(1, 3, 16, 16), flat).min() > 0.1


def test_a_repeated_stipple_costs_more_than_strokes() -> None:
    generator = torch.Generator().manual_seed(0)
    flat = torch.full((1, 3, 128, 128), 0.5)
    strokes = flat + 0.1 * torch.randn((1, 1, 128, 128), generator=generator)
    stipple = flat + 0.1 * torch.randn((1, 1, 8, 8), generator=generator).repeat(1, 1, 16, 16)
    assert losses.lattice(flat, flat).item() == pytest.approx(0, abs=1e-6)
    assert losses.lattice(stipple, flat) > 5 * losses.lattice(strokes, flat)
    busy = torch.rand(flat.shape, generator=generator)
    assert losses.lattice(stipple, busy) < 0.5 * losses.lattice(stipple, flat)  # there it is no stipple in a sky


def test_the_sliced_loss_ignores_places_and_sees_values() -> None:
    generator = torch.Generator().manual_seed(0)
    a = torch.rand(2, 6, 16, 16, generator=generator)
    directions = torch.randn(6, 8, generator=generator)
    places = torch.arange(256)
    shuffled = a.flatten(2)[:, :, torch.randperm(256, generator=generator)].reshape(a.shape)
    assert float(losses.sliced_loss(shuffled, a, directions, places).max()) < 1e-6
    near, far = (losses.sliced_loss(a + d * a.square(), a, directions, places) for d in (0.1, 1.0))
    assert (near > 0).all()
    assert (far > near).all()


def test_patches_tell_textures_apart() -> None:
    fine, same, other = picture(1, "stipple"), picture(2, "stipple"), picture(3, "watercolour wash")
    kernels = torch.randn(32, 3, 7, 7, generator=torch.Generator().manual_seed(0))
    kernels = kernels - kernels.mean((2, 3), keepdim=True)
    near, far = (float(patch_distance(x, fine, kernels, stride=1)) for x in (same, other))
    assert float(patch_distance(fine, fine, kernels, stride=1)) == 0
    assert near < far


def test_texture_is_compared_whatever_its_contrast() -> None:
    photo, style = picture(0), picture(3, "stipple")

    def distance(out: Tensor) -> float:
        return float(relative_texture_distance(out, photo, style, torch.Generator().manual_seed(0), scales=3))

    assert distance(style) == pytest.approx(0, abs=1e-5)
    assert distance(0.2 + 0.5 * style) == pytest.approx(0, abs=1e-3)
    assert 0.3 < distance(photo) <= 1 + 1e-5
    assert distance(photo) == pytest.approx(distance(0.1 + 0.7 * photo), abs=1e-3)
    assert distance(0.5 * photo + 0.5 * style) < distance(photo)
    with pytest.raises(ValueError, match="of one size"):
        distance(style[..., 1:])


def test_edges_correlate_where_they_lie_together() -> None:
    light = luma(picture(1, "stipple"))
    assert float(edge_correlation(light, light)) == pytest.approx(1, abs=1e-4)
    assert float(edge_correlation(0.3 + 0.5 * light, light)) == pytest.approx(1, abs=1e-4)
    assert float(edge_correlation(torch.roll(light, 5, 3), light)) < 0.8
    assert float(correlation(torch.ones(1, 9), light.flatten(1)[:, :9])) == 0


def test_edges_of_a_flat_picture_have_a_gradient() -> None:
    flat = torch.full((1, 1, 16, 16), 0.5, requires_grad=True)
    edge_correlation(flat, luma(picture(1, side=16))).sum().backward()
    assert flat.grad is not None
    assert bool(torch.isfinite(flat.grad).all())


def test_sorting_without_gradients_is_the_same() -> None:
    """A faster sort is used where no gradient is needed."""
    a, b = picture(1), picture(2)
    kernels = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    plain = patch_distance(a, b, kernels, stride=2)
    assert torch.allclose(patch_distance(a.clone().requires_grad_(), b, kernels, stride=2), plain)

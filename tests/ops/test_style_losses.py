"""The losses that pictures are optimised by: their gradients, and what they are zero for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from diffstyle.ops import losses
from diffstyle.ops import relaxed_transport as strotss
from diffstyle.ops.gaussian_wasserstein import (
    FeatureMoments,
    feature_moments,
    gaussian_distance,
    square_root,
)
from diffstyle.ops.gram import gram, gram_distance

Loss = Callable[[Tensor], Tensor]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


MAPS, STYLE, GUIDE = drawn(1, 4, 5, 6), drawn(1, 4, 5, 6, seed=1), drawn(1, 1, 5, 6, seed=2)
ROWS, OTHERS = drawn(9, 4, seed=3), drawn(7, 4, seed=4)
PICTURE, PHOTO = drawn(1, 3, 8, 9, seed=5), drawn(1, 3, 8, 9, seed=6)
TRUST = drawn(1, 1, 8, 9, seed=7).round()
MOMENTS = feature_moments(STYLE)
LOSSES: dict[str, tuple[Tensor, Loss]] = {
    "gram": (MAPS, lambda x: gram_distance(x, gram(STYLE))),
    "guided gram": (MAPS, lambda x: gram_distance(x, gram(STYLE), GUIDE)),
    "gaussian": (MAPS, lambda x: gaussian_distance(feature_moments(x), MOMENTS, square_root(MOMENTS.covariance))),
    "guided gaussian": (
        MAPS,
        lambda x: gaussian_distance(feature_moments(x, GUIDE), MOMENTS, square_root(MOMENTS.covariance)),
    ),
    "relaxed transport": (ROWS, lambda x: strotss.relaxed_distance(strotss.cosine_distances(x, OTHERS))),
    "moments": (ROWS, lambda x: strotss.moment_distance(x, OTHERS)),
    "self-similarity": (ROWS, lambda x: strotss.self_similarity_distance(x, OTHERS.repeat(2, 1)[:9] ** 2)),
    "palette": (ROWS[:, :3], lambda x: strotss.palette_distance(x, OTHERS[:, :3])),
    "total variation": (PICTURE, losses.total_variation),
    "edge-aware total variation": (PICTURE, lambda x: losses.flat_variation(x, PHOTO)),
    "temporal": (PICTURE, lambda x: losses.temporal_loss(x, PHOTO, TRUST)),
    "content": (MAPS, lambda x: losses.relative_square(x, STYLE)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    start, loss = LOSSES[name]
    assert torch.autograd.gradcheck(loss, start.clone().requires_grad_(), eps=1e-7, atol=1e-5)


def test_what_is_alike_costs_nothing() -> None:
    root = square_root(MOMENTS.covariance)
    assert float(gram_distance(STYLE, gram(STYLE))) < 1e-12
    assert abs(float(gaussian_distance(MOMENTS, MOMENTS, root))) < 1e-6
    shuffled = ROWS[torch.randperm(9, generator=torch.Generator().manual_seed(0))]
    assert float(strotss.relaxed_distance(strotss.cosine_distances(ROWS, shuffled))) < 1e-6
    assert float(strotss.moment_distance(ROWS, shuffled)) < 1e-12
    assert float(strotss.self_similarity_distance(ROWS, 3 * ROWS)) < 1e-6


def test_the_distance_of_gaussians_is_that_of_their_deviations() -> None:
    a, b = torch.tensor([[4.0, 1.0]]).double(), torch.tensor([[9.0, 16.0]]).double()
    found = FeatureMoments(torch.zeros(1, 2).double(), torch.diag_embed(a))
    target = FeatureMoments(torch.ones(1, 2).double(), torch.diag_embed(b))
    expected = 2 + (2 - 3) ** 2 + (1 - 4) ** 2
    assert float(gaussian_distance(found, target, square_root(target.covariance))) == pytest.approx(expected, rel=1e-3)


def test_what_is_not_trusted_of_the_frame_before_costs_nothing() -> None:
    gone = torch.where(TRUST > 0, PHOTO, PICTURE)
    assert 0 < float(TRUST.mean()) < 1
    assert float(losses.temporal_loss(gone, PHOTO, TRUST)) == 0
    apart = float(losses.temporal_loss(PHOTO + 0.5, PHOTO, TRUST))
    assert apart == pytest.approx(0.25 * float(TRUST.mean()))


def test_a_guide_limits_statistics_to_its_part() -> None:
    guide = torch.zeros(1, 1, 5, 6).double()
    guide[..., :3] = 1
    assert torch.allclose(gram(MAPS, guide), gram(MAPS[..., :3]))
    limited, cut = feature_moments(MAPS, guide), feature_moments(MAPS[..., :3])
    assert torch.allclose(limited.covariance, cut.covariance)
    assert torch.allclose(limited.mean, cut.mean)
    assert torch.allclose(gram(MAPS, torch.ones_like(guide)), gram(MAPS))

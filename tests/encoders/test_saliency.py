"""What a photo is of: the network with the weights that ship."""

from __future__ import annotations

import pytest
import torch

from diffstyle import Picture
from diffstyle.encoders.saliency import SIDE, SaliencyNet, subject_likelihood
from tests.conftest import ROOT


@pytest.mark.parametrize("size", [(32, 32), (320, 214), (33, 320)])
def test_a_likelihood_for_every_pixel(size: tuple[int, int]) -> None:
    found = SaliencyNet.load()(torch.rand(2, 3, *size))
    assert found.shape == (2, 1, *size)
    assert 0 <= float(found.min()) <= float(found.max()) <= 1


def test_the_cat_is_the_subject_of_its_photo() -> None:
    pixels = Picture.open(ROOT / "examples" / "cat.jpg").pixels
    found = subject_likelihood(pixels)
    assert max(found.shape) == SIDE
    h, w = found.shape
    assert float(found[h // 3 : h // 2, w // 3 : w // 2].mean()) > 0.9
    assert float(found[: h // 8, -w // 8 :].mean()) < 0.3
    assert torch.equal(subject_likelihood(pixels), found)


@pytest.mark.parametrize("size", [(1, 1), (4, 900), (700, 9)])
def test_photos_of_any_shape_have_a_likelihood(size: tuple[int, int]) -> None:
    assert float(subject_likelihood(torch.rand(3, *size)).max()) <= 1

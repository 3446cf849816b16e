"""The padding around a picture that a diffusion model paints in."""

from __future__ import annotations

import torch

from diffstyle import Picture
from diffstyle.engines.diffusion.padding import Padding
from tests.conftest import waves


def test_padding_is_removed_again() -> None:
    planes = Picture.from_array(waves(37, 21)).pixels
    for margin in (0, 5, 32):
        padding = Padding.of((37, 21), margin=margin, multiple=8)
        around = padding.add(planes)
        assert [side % 8 for side in around.shape[1:]] == [0, 0]
        assert min(around.shape[1] - 21, around.shape[2] - 37) >= 2 * min(margin, 20)
        assert torch.equal(padding.remove(around), planes)
    assert torch.equal(Padding.of((37, 21), margin=5, multiple=1).add(planes)[:, 5:-5, :5], planes[..., 1:6].flip(-1))

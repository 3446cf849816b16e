"""The frame around a picture that a diffusion model paints in."""

from __future__ import annotations

import torch

from diffstyle import Picture
from diffstyle.engines.diffusion.padding import Frame
from tests.conftest import waves


def test_a_frame_is_cut_off_again() -> None:
    planes = Picture.from_array(waves(37, 21)).pixels
    for margin in (0, 5, 32):
        frame = Frame.of((37, 21), margin=margin, multiple=8)
        around = frame.around(planes)
        assert [side % 8 for side in around.shape[1:]] == [0, 0]
        assert min(around.shape[1] - 21, around.shape[2] - 37) >= 2 * min(margin, 20)
        assert torch.equal(frame.inside(around), planes)
    assert torch.equal(Frame.of((37, 21), margin=5, multiple=1).around(planes)[:, 5:-5, :5], planes[..., 1:6].flip(-1))

"""CIELAB: colours that sRGB lacks, and large pictures in strips."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from diffstyle import Picture
from diffstyle.ops import lab
from diffstyle.ops.lab import by_rows, greys, in_gamut, mean_ab_distance, to_lab, to_srgb, towards
from tests.helpers.pictures import waves


def test_a_colour_outside_srgb_moves_towards_its_anchor_and_no_further() -> None:
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


def test_a_large_picture_in_strips_equals_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = (Picture.from_array(waves(60, 50, seed=n)).pixels for n in range(2))

    def both(a: lab.Array, b: lab.Array) -> lab.Array:
        return a * b

    whole, distance = by_rows(both, one, other), mean_ab_distance(one, other)
    monkeypatch.setattr(lab, "STRIP_PIXELS", 60 * 7)
    assert torch.equal(by_rows(both, one, other), whole)
    assert mean_ab_distance(one, other) == pytest.approx(distance)
    assert mean_ab_distance(one, one) == 0

"""Masks as values: where they come from, how they are softened, how regions overlap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from diffstyle import InputError, Style
from diffstyle.core.mask import Mask, Region, composite_weights
from tests.conftest import waves
from tests.helpers.masks import left_half


@given(st.lists(st.integers(0, 255), min_size=1, max_size=5))
def test_parts_of_a_pixel_are_one_together(values: list[int]) -> None:
    style = Style.from_text("mosaic")
    regions = [Region(Mask(torch.full((1, 2, 2), v / 255)), style) for v in values]
    rest, parts = composite_weights(regions)
    assert float(rest[0, 0, 0]) == pytest.approx(1 - sum(float(p[0, 0, 0]) for p in parts), abs=1e-6)
    assert min(float(p.min()) for p in (rest, *parts)) >= 0
    assert float(parts[-1][0, 0, 0]) == pytest.approx(values[-1] / 255)  # the last one lies on top


def test_masks_come_from_greys_and_from_transparency(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint8) * 4, (32, 1))
    Image.fromarray(ramp).save(tmp_path / "grey.png")
    Image.fromarray(ramp).convert("RGB").save(tmp_path / "grey.jpg", quality=95)
    cut = np.dstack([waves(64, 32), ramp])
    Image.fromarray(cut).save(tmp_path / "cut.png")
    assert np.array_equal(Mask.of(tmp_path / "grey.png").to_array(), ramp)
    assert np.array_equal(Mask.of(tmp_path / "cut.png").to_array(), ramp)
    assert np.abs(Mask.of(tmp_path / "grey.jpg").to_array().astype(int) - ramp).max() <= 3
    assert Mask.of(ramp / np.float32(255)) == Mask.of(ramp)
    assert Mask.of(Mask.of(ramp)).digest() == Mask.of(ramp).digest()
    with pytest.raises(InputError, match="it is in colour"):
        Mask.of(waves(64, 32))
    for bad in (torch.full((1, 4, 4), 2.0), torch.full((1, 4, 4), torch.nan)):
        with pytest.raises(InputError, match="between 0 and 1"):
            Mask(bad)
    with pytest.raises(InputError, match=r"\(1, H, W\)"):
        Mask(torch.zeros(4, 4))


def test_a_feathered_edge_falls_steadily_over_as_many_pixels_as_asked_for() -> None:
    mask = Mask.of(left_half(232, 32)).feathered(20).values[0, 0]
    assert bool((mask.diff() <= 0).all())
    soft = int(((mask > 0.02) & (mask < 0.98)).sum())
    assert 15 <= soft <= 50


@pytest.mark.parametrize(("label", "note"), [(1, "black and white"), (3, "nearly black"), (255, "")])
def test_masks_of_labels_are_understood_or_said(label: int, note: str) -> None:
    array = np.zeros((48, 64), np.uint8)
    array[10:30, 10:30] = label
    mask = Mask.of(array)
    assert bool(mask.notes) == bool(note)
    assert note in " ".join(mask.notes)
    assert float(mask.values.max()) == pytest.approx(3 / 255 if label == 3 else 1)

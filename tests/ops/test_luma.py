"""Luma and local contrast."""

from __future__ import annotations

import pytest
import torch

from diffstyle.ops.luma import box, local_contrast, luma, sharpened


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_grey_is_its_own_luma(batch: tuple[int, ...]) -> None:
    grey = torch.rand(*batch, 1, 8, 9, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(luma(grey.expand(*batch, 3, 8, 9)), grey, atol=1e-6)


def test_means_at_the_border_are_of_what_is_inside() -> None:
    assert torch.allclose(box(torch.ones(1, 1, 6, 7), 5), torch.ones(1, 1, 6, 7))
    x = torch.zeros(1, 1, 5, 5)
    x[..., 0, 0] = 1
    assert float(box(x, 3)[0, 0, 0, 0]) == pytest.approx(1 / 4)


def test_local_contrast_is_high_in_texture_and_zero_in_flat_areas() -> None:
    x = torch.full((1, 1, 64, 128), 0.5)
    x[..., 64:] += 0.3 * torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    found = local_contrast(x)
    assert float(found[..., :40].max()) < 1e-3
    assert 0.8 < float(found[..., 90:].min()) <= float(found.max()) <= 1


def test_sharpening_amplifies_detail_alone() -> None:
    flat = torch.full((1, 3, 32, 32), 0.4)
    assert torch.allclose(sharpened(flat, 0.8), flat, atol=1e-6)
    noise = 0.5 + 0.05 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    crisp = sharpened(noise, 0.8)
    assert float(luma(crisp).std()) > 1.3 * float(luma(noise).std())
    assert torch.allclose(crisp.mean(), noise.mean(), atol=2e-3)
    assert torch.equal(sharpened(noise, 0.0), noise)

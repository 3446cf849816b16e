"""The nearest key of every query, whatever their number."""

from __future__ import annotations

import pytest
import torch

from diffstyle.ops.neighbours import nearest


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000])
def test_nothing_is_nearer(count: int, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(count)
    queries, keys = (torch.randn(n, 16, generator=generator).to(dtype) for n in (300, count))
    index = nearest(queries, keys)
    products = queries @ keys.mT
    assert torch.equal(products.gather(1, index[:, None])[:, 0], products.amax(1))


def test_the_first_of_equal_keys_is_taken() -> None:
    keys = torch.ones(130, 4)
    assert nearest(torch.ones(3, 4), keys).tolist() == [0, 0, 0]

"""Cancelling within a step of a large network."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from diffstyle.core.cancelling import cancellable
from diffstyle.core.errors import Cancelled
from diffstyle.engines.diffusion.interrupt import interruptible


def test_blocks_ask_before_they_compute() -> None:
    computed: list[int] = []

    class Block(nn.Module):
        def __init__(self, n: int) -> None:
            super().__init__()
            self.n, self.layer = n, nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            computed.append(self.n)
            return self.layer(x)

    network = nn.Sequential(*(Block(n) for n in range(5)))
    pipeline = SimpleNamespace(components={"unet": network, "scheduler": None})
    with pytest.raises(Cancelled), interruptible(pipeline), cancellable(lambda: len(computed) == 2):
        network(torch.zeros(1, 2))
    assert computed == [0, 1]
    network(torch.zeros(1, 2))  # the hooks are gone
    assert computed == [0, 1, 0, 1, 2, 3, 4]

"""RAFT with random weights, in torchvision's layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import optical_flow

from diffstyle.assets.hub import known_model


def torch_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of torch's downloads in `folder`."""
    monkeypatch.setenv("TORCH_HOME", str(folder / "torch"))
    cache = folder / "torch" / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    return cache


def raft_network(name: str, motion: tuple[float, float] | None = None) -> nn.Module:
    """torchvision's network, the same every time; with a `motion` it finds that one, in pixels, everywhere."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network: Any = getattr(optical_flow, name)(weights=None).eval()
    if motion is not None:
        last = network.update_block.flow_head.conv2
        with torch.no_grad():
            last.weight.zero_()
            last.bias.copy_(torch.tensor(motion) / 12 / 8)  # updates, each at an eighth of the size
    return network


def random_raft(cache: Path, name: str, motion: tuple[float, float] | None = None) -> Path:
    """Write such a network to where torchvision keeps its weights."""
    path = cache / known_model(name).files[0]
    torch.save(raft_network(name, motion).state_dict(), path)
    return path

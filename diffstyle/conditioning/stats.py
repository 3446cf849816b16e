"""The `stats` adapter: a style embedding to the statistics of the preview network, so that words preview too."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.errors import InputError
from diffstyle.tensors import read_safetensors, write_safetensors
from diffstyle.weights import verified

WEIGHTS = "starter/preview/stats.safetensors"
WIDTH = 512


class StatsAdapter(nn.Module):
    """(b, d) unit embeddings in `space` -> (b, s) statistics in `statistics`, flat as `engines.adain` flattens them."""

    mean: Tensor
    std: Tensor

    def __init__(self, dim: int, size: int, *, space: str, statistics: str) -> None:
        super().__init__()
        self.space, self.statistics = space, statistics
        self.enter = nn.Linear(dim, WIDTH)
        self.middle = nn.Linear(WIDTH, WIDTH)
        self.leave = nn.Linear(WIDTH, size)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))

    def forward(self, embeddings: Tensor) -> Tensor:
        x = F.silu(self.enter(embeddings * embeddings.shape[1] ** 0.5))
        x = x + F.silu(self.middle(x))
        return self.leave(x) * self.std + self.mean

    @classmethod
    def load(cls, path: Path | None = None) -> StatsAdapter:
        """Read `path`, or the starter's. Raises InputError if it is no `stats` adapter."""
        path = verified(WEIGHTS)[0] if path is None else path
        metadata, tensors = read_safetensors(path)
        try:
            (size, _), dim = tensors["leave.weight"].shape, tensors["enter.weight"].shape[1]
            adapter = cls(dim, size, space=metadata["space"], statistics=metadata["statistics"])
            adapter.load_state_dict({k: v.float() for k, v in tensors.items()})
        except (KeyError, ValueError, RuntimeError) as error:
            raise InputError(f"Cannot use {path}: it is not a stats adapter of diffstyle.") from error
        return adapter.eval().requires_grad_(False)

    def save(self, path: Path) -> None:
        metadata = {"format": "diffstyle.stats/1", "space": self.space, "statistics": self.statistics}
        write_safetensors(path, {k: v.half() for k, v in self.state_dict().items()}, metadata)

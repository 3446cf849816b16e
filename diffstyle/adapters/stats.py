"""The `stats` adapter: a style embedding to the statistics of the preview network, so that words preview too.

A regression gives the mean of all that an embedding may stand for, and a mean of textures is no texture. So colours are
regressed, and texture is for the most part that of the nearest pictures whose statistics were measured.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.assets.manifest import verified
from diffstyle.core.errors import InputError
from diffstyle.formats.safetensors import read_safetensors, write_safetensors

WEIGHTS = "starter/preview/stats.safetensors"
WIDTH = 512
COLOURS = 9  # of the statistics, the first: mean and factor
TEMPERATURE = 0.03  # of cosines to known pictures: a few of them count


class StatsAdapter(nn.Module):
    """(b, d) unit embeddings in `space` -> (b, s) statistics in `statistics`, flat as `engines.adain` flattens them."""

    mean: Tensor
    std: Tensor
    keys: Tensor
    known: Tensor

    def __init__(
        self, dim: int, size: int, *, space: str, statistics: str, known: int = 0, nearness: float = 0.0
    ) -> None:
        """`known` pictures are kept, whose share in the texture is `nearness`."""
        super().__init__()
        self.space, self.statistics, self.nearness = space, statistics, nearness
        self.enter = nn.Linear(dim, WIDTH)
        self.middle = nn.Linear(WIDTH, WIDTH)
        self.leave = nn.Linear(WIDTH, size)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))
        self.register_buffer("keys", torch.zeros(known, dim))
        self.register_buffer("known", torch.zeros(known, size))

    def forward(self, embeddings: Tensor) -> Tensor:
        x = F.silu(self.enter(embeddings * embeddings.shape[1] ** 0.5))
        x = x + F.silu(self.middle(x))
        told = self.leave(x) * self.std + self.mean
        if not len(self.keys):
            return told
        near = (embeddings @ self.keys.T / TEMPERATURE).softmax(1) @ self.known
        texture = torch.lerp(told[:, COLOURS:], near[:, COLOURS:], self.nearness)
        return torch.cat([told[:, :COLOURS], texture], 1)

    @classmethod
    def load(cls, path: Path | None = None) -> StatsAdapter:
        """Read `path`, or the starter's. Raises InputError if it is no `stats` adapter."""
        path = verified(WEIGHTS)[0] if path is None else path
        metadata, tensors = read_safetensors(path)
        try:
            (size, _), dim = tensors["leave.weight"].shape, tensors["enter.weight"].shape[1]
            known = len(tensors["keys"]) if "keys" in tensors else 0
            nearness = float(metadata.get("nearness", 0))
            spaces = {"space": metadata["space"], "statistics": metadata["statistics"]}
            adapter = cls(dim, size, **spaces, known=known, nearness=nearness)
            tensors.setdefault("keys", adapter.keys)
            tensors.setdefault("known", adapter.known)
            adapter.load_state_dict({k: v.float() for k, v in tensors.items()})
        except (KeyError, ValueError, RuntimeError) as error:
            raise InputError(f"Cannot use {path}: it is not a stats adapter of diffstyle.") from error
        return adapter.eval().requires_grad_(False)

    def save(self, path: Path) -> None:
        metadata = {"format": "diffstyle.stats/1", "space": self.space, "statistics": self.statistics}
        metadata["nearness"] = str(self.nearness)
        write_safetensors(path, {k: v.half() for k, v in self.state_dict().items()}, metadata)

"""The `stats` adapter: predicts the preview network's statistics from a style embedding, so that words preview too.

A regression predicts a mean over all styles that share an embedding, and a mean of textures is flat. So only colours
are regressed; texture mostly comes from the nearest pictures whose statistics were measured.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diffstyle.adapters.protocol import Undo
from diffstyle.assets.manifest import verified
from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ExportFormat
from diffstyle.formats.safetensors import read_safetensors, write_safetensors

WEIGHTS = "starter/preview/stats.safetensors"
WIDTH = 512
COLOURS = 9  # of the statistics, the first: mean and factor
TEMPERATURE = 0.03  # of cosines to known pictures: a few of them count


class StatsHost(Protocol):
    """A preview engine: `space` names its statistics, `stats` is the adapter that it asks for those of embeddings."""

    stats: StatsAdapter | None

    @property
    def space(self) -> str:
        """The name of its statistics."""
        ...


class StatsAdapter(nn.Module):
    """(b, d) unit embeddings in `space` -> (b, s) statistics in `statistics`, flattened as by `engines.adain`."""

    kind: ClassVar[str] = "stats"
    layouts: ClassVar[tuple[ExportFormat, ...]] = ()
    wraps_layers: ClassVar[bool] = False

    mean: Tensor
    std: Tensor
    keys: Tensor
    known: Tensor

    def __init__(
        self, dim: int, size: int, *, space: str, statistics: str, known: int = 0, nearness: float = 0.0
    ) -> None:
        """It stores `known` measured pictures; `nearness`, from 0 to 1, is their weight in the texture."""
        super().__init__()
        self.name = "stats"
        self.space, self.statistics, self.nearness = space, statistics, nearness
        self.enter = nn.Linear(dim, WIDTH)
        self.middle = nn.Linear(WIDTH, WIDTH)
        self.leave = nn.Linear(WIDTH, size)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))
        self.register_buffer("keys", torch.zeros(known, dim))
        self.register_buffer("known", torch.zeros(known, size))

    def forward(self, embeddings: Tensor) -> Tensor:
        """(b, d) -> (b, s): colours regressed, texture mixed with that of the nearest known pictures."""
        x = F.silu(self.enter(embeddings * embeddings.shape[1] ** 0.5))
        x = x + F.silu(self.middle(x))
        regressed = self.leave(x) * self.std + self.mean
        if not len(self.keys):
            return regressed
        near = (embeddings @ self.keys.T / TEMPERATURE).softmax(1) @ self.known
        texture = torch.lerp(regressed[:, COLOURS:], near[:, COLOURS:], self.nearness)
        return torch.cat([regressed[:, :COLOURS], texture], 1)

    @classmethod
    def load(cls, path: Path | None = None, *, name: str = "stats") -> StatsAdapter:
        """Read `path`, or else the starter's file; InputError if it is no `stats` adapter."""
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
        adapter.name = name
        return adapter.eval().requires_grad_(False)

    def check_fits(self, host: StatsHost) -> None:
        """InputError if it gives statistics of another network than the host's."""
        if self.statistics != host.space:
            raise InputError(f"The stats adapter is of {self.statistics}, the network is {host.space}: reinstall.")

    def attach(self, host: StatsHost, *more: StatsAdapter) -> Undo:
        """Make it the one that `host` asks; of several, the last is."""
        adapters, before = (self, *more), host.stats
        for adapter in adapters:
            adapter.check_fits(host)
        host.stats = adapters[-1]

        def undo() -> None:
            host.stats = before

        return undo

    def trainable(self, host: StatsHost) -> dict[str, nn.Parameter]:
        """All its parameters."""
        del host
        return dict(self.named_parameters())

    def export(self, layout: ExportFormat, *, base: str = "") -> tuple[dict[str, Tensor], dict[str, str]]:
        """InputError: no other program reads it."""
        del base
        raise InputError(f"The adapter {self.name} is a stats adapter, which {layout} does not hold.")

    def save(self, path: Path) -> None:
        """Write it in float16."""
        metadata = {"format": "diffstyle.stats/1", "space": self.space, "statistics": self.statistics}
        metadata["nearness"] = str(self.nearness)
        write_safetensors(path, {k: v.half() for k, v in self.state_dict().items()}, metadata)

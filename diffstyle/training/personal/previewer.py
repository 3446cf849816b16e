"""The preview network with the statistics of one style, as training uses it."""

from __future__ import annotations

from torch import Tensor

from diffstyle.engines.adain.engine import unflatten_batch
from diffstyle.engines.adain.network import PreviewNetwork, StyleStatistics


class Previewer:
    """Photos (b, 3, h, w) repainted by the preview network, all with the same statistics (s,)."""

    def __init__(self, network: PreviewNetwork) -> None:
        self.network = network

    def __call__(self, photos: Tensor, statistics: Tensor) -> Tensor:
        flat = unflatten_batch(statistics[None].expand(len(photos), -1))
        return self.network.render(self.network.encode(photos), StyleStatistics(*flat)).float()

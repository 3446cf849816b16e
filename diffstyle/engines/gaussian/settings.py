"""The settings of style transfer by the statistics of Gaussians."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from diffstyle.core.settings import Capabilities
from diffstyle.engines.optimised.settings import OPTIMISED, OptimisedByChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaussian(OptimisedByChoice):
    """Optimises the picture until mean and covariance of its features are the style's (2-Wasserstein distance)."""

    name: ClassVar[str] = "gaussian"
    title: ClassVar[str] = "Gaussian statistics"
    capabilities: ClassVar[Capabilities] = OPTIMISED

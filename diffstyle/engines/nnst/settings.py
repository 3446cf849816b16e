"""The settings of the painter: it has none of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from diffstyle.core.settings import Capabilities, EngineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Nnst(EngineSettings):
    """Neural Neighbor Style Transfer (Kolkin et al. 2022): rebuilds the photo out of the style picture's own marks."""

    name: ClassVar[str] = "nnst"
    title: ClassVar[str] = "Painter"
    capabilities: ClassVar[Capabilities] = Capabilities(regional=True, seeded=True, structure=True)

"""The settings of style transfer by Gram matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from diffstyle.core.settings import Capabilities
from diffstyle.engines.optimised.settings import OPTIMISED, OptimisedByChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatys(OptimisedByChoice):
    """Neural style transfer (Gatys et al. 2016): optimises the picture until its Gram matrices are the style's."""

    name: ClassVar[str] = "gatys"
    title: ClassVar[str] = "Gram matrices (Gatys)"
    capabilities: ClassVar[Capabilities] = OPTIMISED

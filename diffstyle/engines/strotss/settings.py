"""The settings of STROTSS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from diffstyle.core.fields import Range
from diffstyle.core.settings import Capabilities
from diffstyle.engines.optimised.settings import OPTIMISED, Optimised


@dataclass(frozen=True, slots=True, kw_only=True)
class Strotss(Optimised):
    """Style transfer by relaxed optimal transport and self-similarity (Kolkin et al. 2019).

    Parameters
    ----------
    samples
        Places of the photo and of the style that are compared at each step.
    """

    name: ClassVar[str] = "strotss"
    title: ClassVar[str] = "Optimal transport (STROTSS)"
    capabilities: ClassVar[Capabilities] = OPTIMISED

    samples: Annotated[int, Range(16, 8192)] = 512

"""The settings that only the painter knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

from diffstyle.core.errors import InputError
from diffstyle.core.fields import Range, Section, check_values
from diffstyle.core.settings import Capabilities, EngineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Nnst(EngineSettings):
    """Neural Neighbor Style Transfer (Kolkin et al. 2022): rebuilds the photo out of the style picture's own marks.

    Parameters
    ----------
    refine_steps
        Steps of gradient descent after the painting, at up to 512 pixels: crisper strokes and a weave like canvas,
        0.2 s a step.
    scales
        How many of the scales 128, 256 and 512 pixels are painted; fewer give a quick draft.
    """

    name: ClassVar[str] = "nnst"
    title: ClassVar[str] = "Painter"
    capabilities: ClassVar[Capabilities] = Capabilities(regional=True, seeded=True, structure=True, textures=True)

    refine_steps: Annotated[int, Range(0, 200), Section("Painter")] = 0
    scales: Annotated[int, Range(1, 3), Section("Painter")] = 3

    def __post_init__(self) -> None:
        check_values(self, Nnst)
        if self.refine_steps and self.scales < 3:
            raise InputError("refine_steps acts on the last of three scales: leave scales out.")

    def draft(self) -> Nnst:
        """The first two scales."""
        return replace(self, scales=2, refine_steps=0)

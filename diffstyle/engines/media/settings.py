"""The settings of the engine that draws by rule: it has none of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from diffstyle.core.settings import Capabilities, EngineSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Media(EngineSettings):
    """Draws the medium that the words of the style name, such as halftone or stained glass, by rule from the photo."""

    name: ClassVar[str] = "media"
    title: ClassVar[str] = "Medium by rule"
    capabilities: ClassVar[Capabilities] = Capabilities(seeded=True, structure=True, needs_words=True, strokes=True)

"""The settings of the engine that draws by rule: it has none of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from diffstyle.core.settings import Capabilities, EngineSettings
from diffstyle.data.words.lexicon import DRAWN
from diffstyle.data.words.parse import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Media(EngineSettings):
    """Draws the medium that the words of the style name, such as halftone or stained glass, by rule from the photo."""

    name: ClassVar[str] = "media"
    title: ClassVar[str] = "Medium by rule"
    capabilities: ClassVar[Capabilities] = Capabilities(seeded=True, structure=True, needs_words=True, strokes=True)

    @classmethod
    def suits(cls, prompts: Sequence[str]) -> bool:
        """Whether all words name media, and only media that are drawn by rule."""
        return bool(prompts) and all(
            (media := parse(prompt).media) and all(name in DRAWN for name, _ in media) for prompt in prompts
        )

    def draft(self) -> Media:
        return self

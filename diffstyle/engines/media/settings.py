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
    """Draws the medium that the words of the style name, such as halftone or stained glass, by rule from the photo.
    What else is in a mix is painted under it or beside it.
    """

    name: ClassVar[str] = "media"
    title: ClassVar[str] = "Drawing"
    capabilities: ClassVar[Capabilities] = Capabilities(seeded=True, structure=True, needs_words=True, strokes=True)

    @classmethod
    def suits(cls, prompts: Sequence[Sequence[str]]) -> bool:
        """Whether words of every style name media, and only media that are drawn by rule."""
        return bool(prompts) and all(any(_drawn(prompt) for prompt in style) for style in prompts)

    @classmethod
    def is_instant(cls, prompts: Sequence[Sequence[str]]) -> bool:
        """Whether all that the styles mix is drawn."""
        return bool(prompts) and all(_drawn(prompt) for style in prompts for prompt in style)

    def draft(self) -> Media:
        return self


def _drawn(prompt: str) -> bool:
    media = parse(prompt).media
    return bool(media) and all(name in DRAWN for name, _ in media)

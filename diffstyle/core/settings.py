"""The settings of a render that are plain values. Each default is declared once, here or beside its engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from diffstyle.core.errors import InputError
from diffstyle.core.fields import Range, Section, check_values
from diffstyle.core.model_options import Runtime

Colours = Literal["off", "keep", "match", "palette"]
MAX_SIDE = 8192
MAX_SEED = 2**63 - 1

_LOOK, _COLOUR, _PHOTO, _WHERE = Section("Look"), Section("Colour"), Section("Photo and finish"), Section("Where")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings that mean the same on every engine.

    Parameters
    ----------
    strength
        How far to go from the photo (0) to the style (1).
    structure
        How strongly the photo's shapes are held, from 0 to 1.
    size
        Longest side of the result in pixels; the photo's own if not given.
    stroke
        Size of the strokes as a share of the picture, 1 as in a picture of 512 pixels; what the engine paints at the
        size of the result if not given.
    seed
        The same number gives the same picture.
    colour
        Whose colours the result has: the painting's (off), the photo's hues (keep), exactly the style's (match), or
        the photo recoloured to the style, without texture (palette).
    colour_weight
        How far to go to those colours, from 0 to 1.
    contrast
        Local contrast of the photo before it is painted, 1 leaves it as it is.
    sharpness
        How much fine detail of the photo is amplified before it is painted, 0 is none.
    smooth
        How much grain is removed from the painting while edges are kept, from 0 to 1.
    keep_faces
        How far faces keep the photo's features, from 0 to 1.
    feather
        Width in pixels of the result over which the edges of masks are softened.
    """

    strength: Annotated[float, Range(0, 1), _LOOK] = 1.0
    structure: Annotated[float, Range(0, 1), _LOOK] = 0.5
    size: Annotated[int | None, Range(64, MAX_SIDE), _LOOK] = None
    stroke: Annotated[float | None, Range(0.1, 4), _LOOK] = None
    seed: Annotated[int, Range(0, MAX_SEED), _LOOK] = 0
    colour: Annotated[Colours, _COLOUR] = "off"
    colour_weight: Annotated[float, Range(0, 1), _COLOUR] = 1.0
    contrast: Annotated[float, Range(0, 3), _PHOTO] = 1.0
    sharpness: Annotated[float, Range(0, 3), _PHOTO] = 0.0
    smooth: Annotated[float, Range(0, 1), _PHOTO] = 0.0
    keep_faces: Annotated[float, Range(0, 1), _PHOTO] = 0.0
    feather: Annotated[float, Range(0, 1000), _WHERE] = 0.0

    def __post_init__(self) -> None:
        check_values(self, Settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine can do, so that nobody has to ask for one by name.

    `regional`: it paints all regions of a task into one picture. `seeded`: the seed changes the picture.
    `negative`: it moves away from `negative_style`. `structure`: it honours that setting. `interactive`: it is
    quick enough to follow a slider. `temporal`: it keeps to the painting of the previous frame of a clip
    (`ResolvedTask.previous`). `needs_words`: it paints only styles whose words name something that it knows.
    `own_styles`: it paints only styles that it was trained on. `strokes`: it honours `stroke` itself, at every size.
    `textures`: it makes textures of a style. `reentrant`: several threads may render resolved tasks side by side, and
    gain by it; pictures are equal where the threads of torch are equally many. `adapters`: the kinds of adapter it
    loads. `runtimes`: what can run its networks besides torch.
    """

    regional: bool = False
    seeded: bool = False
    negative: bool = False
    structure: bool = False
    interactive: bool = False
    temporal: bool = False
    textures: bool = False
    needs_words: bool = False
    own_styles: bool = False
    strokes: bool = False
    reentrant: bool = False
    adapters: tuple[str, ...] = ()
    runtimes: tuple[Runtime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Base of the settings that only one engine knows. A subclass lives beside its engine and imports no torch.

    `name` is the engine's name in `engines/registry.py`, `title` what people read, `capabilities` what it can do.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def __post_init__(self) -> None:
        check_values(self, type(self))

    @classmethod
    def suits(cls, prompts: Sequence[Sequence[str]]) -> bool:
        """Whether this engine paints styles of these words when nobody names an engine: for each style, one prompt for
        each of its references, "" for one without words.
        """
        del prompts
        return False

    @classmethod
    def is_instant(cls, prompts: Sequence[Sequence[str]]) -> bool:
        """Whether it paints styles of these words so quickly that it needs no draft."""
        del prompts
        return cls.capabilities.interactive

    def style_names(self) -> tuple[str, ...]:
        """The names of all styles that it paints, where it has `own_styles`; none otherwise."""
        return ()

    def draft(self) -> EngineSettings | None:
        """These settings for a draft of the same picture in a fraction of a second; None if the engine has none."""
        return None


def check_honoured(settings: Settings, engine: EngineSettings, *, negative: bool) -> None:
    """Raise InputError for a setting that differs from its default although `engine` cannot honour it.

    `negative` is whether there is a style to move away from.
    """
    can = engine.capabilities
    if negative and not can.negative:
        raise InputError(f"The engine {engine.name} cannot move away from a style: leave negative_style out.")
    if settings.structure != Settings().structure and not can.structure:
        raise InputError(f"The engine {engine.name} has no control of structure: leave it out, or use another engine.")

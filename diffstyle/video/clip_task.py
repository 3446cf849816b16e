"""What to make of a clip, as it was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from diffstyle.core.fields import check_values, values_of
from diffstyle.core.mask import Mask, RegionLike
from diffstyle.core.settings import EngineSettings, Settings
from diffstyle.core.style import Style
from diffstyle.core.task import Task
from diffstyle.video.frames import Frame
from diffstyle.video.keyframes import Keyframe, style_at
from diffstyle.video.settings import Steadiness


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipTask(Settings):
    """Everything that decides what the frames of a clip look like.

    `engine`, `negative_style` and `regions` are those of a `Task`. With `keyframes` the style changes along the clip,
    and `style` is not used. Only where `mask` is white is painted: a picture for all frames, or a clip with frames at
    the same times, `mask_clip`. `only` and `without` say in words, as `controls.selection` reads them, what is painted
    and what is left as it is, found in each frame anew. `Settings` describes the rest.
    """

    style: Style = field(kw_only=False)
    engine: EngineSettings | str | None = None
    negative_style: Style | None = None
    regions: Sequence[RegionLike] = ()
    keyframes: tuple[Keyframe, ...] = ()
    mask: Mask | None = None
    mask_clip: Path | None = None
    only: str | None = None
    without: str | None = None
    steadiness: Steadiness = field(default_factory=Steadiness)

    def __post_init__(self) -> None:
        check_values(self, Settings)

    @property
    def limited(self) -> bool:
        """Whether only a part of the frames is painted."""
        return any(v is not None for v in (self.mask, self.mask_clip, self.only, self.without))

    @property
    def at(self) -> Callable[[Frame], Task]:
        """The task of each frame, at the frame's own size and without mask."""
        settings = values_of(replace(Settings(**values_of(self, Settings)), size=None))

        def task(frame: Frame) -> Task:
            style = style_at(self.keyframes, frame.time) if self.keyframes else self.style
            return Task(
                frame.picture,
                style,
                engine=self.engine,
                negative_style=self.negative_style,
                regions=self.regions,
                **settings,
            )

        return task

    def first(self, frame: Frame) -> Task:
        """The task that a recipe describes: of the first frame, with its size, in the style of the first keyframe."""
        return replace(self.at(replace(frame, time=Fraction(0))), size=self.size)

"""How clips are read and written, as people type it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffstyle.cli.options import FILES, STYLE, group, named_paths

if TYPE_CHECKING:
    from diffstyle.video.clip_recipe import ClipOutput
    from diffstyle.video.files.timing import Cut

CLIP = group("Clip")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipOptions:
    """What of a clip is painted, and how it is encoded.

    Parameters
    ----------
    from_
        Where in the clip to begin: seconds, or hours:minutes:seconds.
    to
        Where in the clip to end, given like --from.
    fps
        Frames a second of the result, such as 12 or 30000/1001; the clip's own times if not given. Frames are repeated
        or left out; those of a folder are all shown, at this rate.
    codec
        h264, hevc, av1, vp9, vp8, prores, ffv1, gif, webp, another encoder of FFmpeg, or png for a folder of frames;
        what is usual for the name of the file if not given.
    quality
        Quality of the result from 0 to 100, for codecs that have one; 70 if not given.
    segment
        How many frames are painted between two points from which an interrupted run goes on.
    raw
        What comes from standard input if CLIP is -: WIDTHxHEIGHT@FPS, frames of 8 bits a channel, RGB, or with :rgba
        behind it RGBA.
    keyframes
        Styles along the clip, instead of --style: "0s: ukiyo-e, 5s: watercolour". Between two times the style changes
        from the one to the other.
    thumbnail
        A picture of the newest frame, written anew every few seconds.
    measure
        Say at the end how much the result flickers: its warping error, beside that of the clip and that of the frames
        painted one by one, which takes as long again.
    """

    from_: Annotated[str, Parameter(name="--from", group=CLIP, show_default=False)] = ""
    to: Annotated[str, Parameter(group=CLIP, show_default=False)] = ""
    fps: Annotated[str, Parameter(group=CLIP, show_default=False)] = ""
    codec: Annotated[str | None, Parameter(group=FILES)] = None
    quality: Annotated[int | None, Parameter(group=FILES)] = None
    segment: Annotated[int, Parameter(group=FILES)] = 48
    raw: Annotated[str, Parameter(group=CLIP, show_default=False)] = ""
    keyframes: Annotated[str, Parameter(group=STYLE, show_default=False)] = ""
    thumbnail: Annotated[Path | None, Parameter(group=FILES, converter=named_paths)] = None
    measure: Annotated[bool, Parameter(group=FILES, negative=())] = False

    def cut(self) -> Cut:
        """What is used of each clip."""
        from fractions import Fraction

        from diffstyle.video.files.timing import Cut, frame_rate, seconds

        return Cut(
            start=seconds(self.from_) if self.from_ else Fraction(0),
            end=seconds(self.to) if self.to else None,
            rate=frame_rate(self.fps) if self.fps else None,
        )

    def output(self, *, depth: int, recipe: bool) -> ClipOutput:
        """How each is written."""
        from diffstyle.video.clip_recipe import ClipOutput

        return ClipOutput(codec=self.codec, quality=self.quality, segment=self.segment, depth=depth, recipe=recipe)

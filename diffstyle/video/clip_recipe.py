"""What repeats a clip: the recipe of its first frame, and all that makes a clip of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from PIL import Image

from diffstyle.core.errors import InputError
from diffstyle.core.reading import reading
from diffstyle.formats.picture_file import embedded
from diffstyle.formats.recipe import Recipe, packed_style, unpacked_styles
from diffstyle.stylizer import Stylizer
from diffstyle.video.clip_task import ClipTask
from diffstyle.video.files.clip import Clip, decoding
from diffstyle.video.files.encoding import PICTURES
from diffstyle.video.files.join import KEY
from diffstyle.video.files.opening import open_clip
from diffstyle.video.files.timing import Cut
from diffstyle.video.files.video_file import check_file, opened
from diffstyle.video.frames import Frame
from diffstyle.video.keyframes import Keyframe
from diffstyle.video.settings import Steadiness
from diffstyle.video.steadying.searches import weights_of_search

FILE = "recipe.json"  # beside the frames of a folder
_GIF_COMMENT = "comment"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipOutput:
    """How a clip is written.

    `codec` is the usual one of the file if not given, "png" for a folder of frames; `quality` goes from 0 to 100;
    `depth` is the bits a channel that are wanted; `segment` how many frames are painted between two points from which
    an interrupted run goes on.
    """

    codec: str | None = None
    quality: int | None = None
    depth: int = 8
    segment: int = 48
    recipe: bool = True

    def __post_init__(self) -> None:
        if self.quality is not None and not 0 <= self.quality <= 100:
            raise InputError(f"quality is {self.quality}: give a whole number from 0 to 100.")
        if not 1 <= self.segment <= 10_000:
            raise InputError(f"segment is {self.segment}: give a number of frames from 1 to 10000.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRecipe:
    """`frame` is the recipe of the first frame, with the digest and the name of the whole clip as its content."""

    frame: Recipe
    cut: Cut
    output: ClipOutput
    steadiness: Steadiness
    keyframes: tuple[Keyframe, ...] = ()
    mask_clip: str = ""
    only: str | None = None
    without: str | None = None
    flow_weights: str = ""

    @classmethod
    def of(
        cls, stylizer: Stylizer, clip: Clip, first: Frame, task: ClipTask, *, cut: Cut, output: ClipOutput
    ) -> ClipRecipe:
        """The recipe of a clip that is about to be painted."""
        resolved = stylizer.prepare(task.first(first))
        engine = stylizer.engine(resolved.engine.name)
        frame = Recipe.of(
            resolved,
            weights=engine.weights_of(resolved),
            runtime=engine.runtime,
            options=stylizer.options_of(resolved.engine.name),
            depth=output.depth,
        )
        return cls(
            frame=replace(frame, content=clip.digest(), content_source=Path(clip.source).name, mask=task.mask),
            cut=cut,
            output=output,
            steadiness=task.steadiness,
            keyframes=task.keyframes,
            mask_clip="" if task.mask_clip is None else open_clip(task.mask_clip).digest(),
            only=task.only,
            without=task.without,
            flow_weights=weights_of_search(task.steadiness),
        )

    def to_json(self) -> str:
        frame: dict[str, Any] = json.loads(self.frame.to_json())
        return json.dumps(frame | {"clip": self._values()}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ClipRecipe:
        """The inverse of `to_json`; KeyError, TypeError or ValueError if the text is none."""
        frame = Recipe.from_json(text)
        values: dict[str, Any] = json.loads(text)["clip"]
        cut: Mapping[str, str] = values["cut"]
        styles = unpacked_styles([style for _, style in values["keyframes"]])
        times = [Fraction(time) for time, _ in values["keyframes"]]
        return cls(
            frame=frame,
            cut=Cut(**{k: Fraction(v) for k, v in cut.items()}),
            output=ClipOutput(**values["output"]),
            steadiness=Steadiness(**values["steadiness"]),
            keyframes=tuple(map(Keyframe, times, styles)),
            mask_clip=str(values["mask_clip"]),
            only=values["only"],
            without=values["without"],
            flow_weights=str(values.get("flow_weights", "")),
        )

    def repeats(self, other: ClipRecipe) -> bool:
        """Whether both make the same clip."""
        return self.frame.repeats(other.frame) and self._values() == other._values()

    def _values(self) -> dict[str, Any]:
        cut = {k: str(v) for k, v in asdict(self.cut).items() if v is not None}
        return {
            "cut": cut,
            "output": asdict(self.output),
            "steadiness": asdict(self.steadiness),
            "keyframes": [[str(k.time), packed_style(k.style)] for k in self.keyframes],
            "mask_clip": self.mask_clip,
            "only": self.only,
            "without": self.without,
            "flow_weights": self.flow_weights,
        }


def read_clip_recipe(path: Path) -> ClipRecipe:
    """The recipe inside a clip, or beside the frames of a folder. InputError if there is none."""
    text = _text(path)
    if text is None:
        raise InputError(f"{path} holds no diffstyle recipe of a clip: give one that diffstyle wrote.")
    try:
        return ClipRecipe.from_json(text)
    except InputError:
        raise
    except Exception as error:  # broken JSON, tensors and masks raise a dozen kinds
        raise InputError(f"The recipe inside {path} is damaged: it cannot be replayed.") from error


def _text(path: Path) -> str | None:
    if path.is_dir():
        file = path / FILE
        return file.read_text("utf-8") if file.is_file() else None
    check_file(path)
    if path.suffix.lower() in PICTURES:
        with reading(str(path)), Image.open(path) as image:
            if image.format != "GIF":
                return embedded(image)
            comment = image.info.get(_GIF_COMMENT)
            return comment.decode("ascii", "replace") if isinstance(comment, bytes) else None
    with decoding(str(path)), opened(path) as container:
        found = {k.lower(): v for k, v in container.metadata.items()}.get(KEY)
        return None if found is None else str(found)

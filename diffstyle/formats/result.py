"""What came of a render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from diffstyle.core.errors import InputError
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.picture import Picture
from diffstyle.core.task import ResolvedTask
from diffstyle.formats.atomic import write_atomic
from diffstyle.formats.picture_file import check_output, encode
from diffstyle.formats.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Result:
    """A rendered `picture`, the `task` it came from, `seconds` by phase, digests by weights file, the engine's
    `runtime` (device, dtype and threads), and the `options` with which the model was loaded.
    """

    picture: Picture
    task: ResolvedTask
    seconds: Mapping[str, float]
    weights: Mapping[str, str]
    runtime: Mapping[str, str]
    options: ModelOptions

    @property
    def measures(self) -> Mapping[str, float]:
        """What controls measured of the picture, by name: a ΔE, a seam score."""
        return self.picture.measures

    def recipe(self, *, depth: int = 8) -> Recipe:
        """Everything that `diffstyle replay` needs to repeat the picture, for a file of `depth` bits a channel.

        InputError for a frame that was held to the one before: a recipe does not keep that.
        """
        if self.task.previous is not None:
            raise InputError("The picture depends on the frame before it, which no recipe keeps: give recipe=False.")
        return Recipe.of(self.task, weights=self.weights, runtime=self.runtime, options=self.options, depth=depth)

    def save(self, path: str | Path, *, depth: int = 8, recipe: bool = True) -> Path:
        """Write PNG, JPEG, WebP or TIFF with the whole recipe inside, whole or not at all.

        Without the `recipe` the file says nothing of photo, style and settings, and cannot be replayed. `depth` is 8 or
        16 bits a channel, 16 in PNG and TIFF alone. Raises InputError where that cannot be written.
        """
        path = Path(path)
        data = self.encoded(check_output(path, self.picture.size, depth=depth), depth=depth, recipe=recipe)
        write_atomic(path, lambda file: file.write(data))
        return path

    def encoded(self, kind: str, *, depth: int = 8, recipe: bool = True, quality: int | None = None) -> bytes:
        """What `save` writes for a format, by Pillow's name of it; `quality`, from 0 to 100, is for JPEG and WebP."""
        text = self.recipe(depth=depth).to_json() if recipe else ""
        return encode(self.picture, kind, text, depth=depth, quality=quality)

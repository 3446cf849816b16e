"""The base class of parts of the Extras tab."""

from __future__ import annotations

from typing import Any

from PIL import Image


class PostprocessedImage:
    """A picture on its way through the Extras tab."""

    def __init__(self, image: Image.Image) -> None:
        self.image = image
        self.info: dict[str, str] = {}


class ScriptPostprocessing:
    """A part of the Extras tab."""

    name: str | None = None
    order = 1000

    def ui(self) -> dict[str, Any]:
        return {}

    def process(self, pp: PostprocessedImage, **args: Any) -> None:
        del pp, args

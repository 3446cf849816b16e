"""Stand-in for ComfyUI's module of this name: see README.md."""

from __future__ import annotations

from typing import Any

from torch import Tensor


class PreviewImage:
    """Holds the images; ComfyUI's own saves them into its folder of temporary files."""

    def __init__(self, image: Tensor, animated: bool = False, cls: Any = None, **_: Any) -> None:
        self.image, self.animated, self.cls = image, animated, cls

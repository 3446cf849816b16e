"""The base class of scripts."""

from __future__ import annotations

from typing import Any


class Script:
    """A script of txt2img or img2img."""

    def title(self) -> str:
        raise NotImplementedError

    def show(self, is_img2img: bool) -> Any:
        del is_img2img
        return True

    def ui(self, is_img2img: bool) -> list[Any] | None:
        del is_img2img
        return None

    def run(self, p: Any, *args: Any) -> Any:
        del p, args

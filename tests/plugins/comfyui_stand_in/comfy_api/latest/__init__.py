"""Stand-in for ComfyUI's module of this name: see README.md."""

from __future__ import annotations

from abc import ABC, abstractmethod

from comfy_api.latest import io, ui

__all__ = ["ComfyExtension", "io", "ui"]


class ComfyExtension(ABC):
    async def on_load(self) -> None:
        return None

    @abstractmethod
    async def get_node_list(self) -> list[type[io.ComfyNode]]: ...

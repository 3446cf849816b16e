"""ComfyUI nodes that repaint images in a style, on diffstyle's Python API."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .engine_nodes import engine_nodes
from .model_nodes import LoadModel
from .paint_nodes import Preview, Stylise
from .style_nodes import BlendStyles, NamedStyle, SaveStyle, StyleFromFile, StyleFromImages, StyleFromText


class DiffstyleExtension(ComfyExtension):
    """All nodes of this folder."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """The node classes, in the order of the menu."""
        return [
            LoadModel,
            StyleFromText,
            StyleFromImages,
            StyleFromFile,
            NamedStyle,
            BlendStyles,
            Stylise,
            Preview,
            SaveStyle,
            *engine_nodes(),
        ]


async def comfy_entrypoint() -> DiffstyleExtension:
    """What ComfyUI calls when it loads this folder."""
    return DiffstyleExtension()

"""Blender extension: repaints the render and texture images in a style, by a local `diffstyle serve`."""

from __future__ import annotations

import bpy

from .operators import ListStyles, PreviewStyle, StyliseImage, StyliseRender
from .panels import ImagePanel, RenderPanel
from .properties import Preferences, StyleName, StyleProperties

bl_info = {
    "name": "diffstyle",
    "author": "diffstyle",
    "version": (0, 2, 0),
    "blender": (4, 2, 0),
    "location": "Image Editor > Sidebar > diffstyle, and Properties > Output",
    "description": "Repaint renders and textures in a style described in words",
    "category": "Render",
}
_CLASSES = (
    StyleName,
    StyleProperties,
    Preferences,
    ListStyles,
    PreviewStyle,
    StyliseRender,
    StyliseImage,
    ImagePanel,
    RenderPanel,
)


def register() -> None:
    """What Blender calls when the extension is enabled."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.diffstyle = bpy.props.PointerProperty(type=StyleProperties)


def unregister() -> None:
    """What Blender calls when the extension is disabled."""
    del bpy.types.Scene.diffstyle
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)

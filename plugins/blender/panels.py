"""The panels: beside an image, and in the output properties of the scene."""

from __future__ import annotations

from typing import Any

import bpy

from .operators import ListStyles, PreviewStyle, StyliseImage, StyliseRender


def _draw(layout: Any, properties: Any, operators: tuple[Any, ...]) -> None:
    row = layout.row(align=True)
    row.prop(properties, "style", text="", placeholder="Words, or a named style")
    row.operator(ListStyles.bl_idname, text="", icon="FILE_REFRESH")
    column = layout.column()
    column.use_property_split = True
    for name in ("strength", "structure", "colour", "seed", "size"):
        column.prop(properties, name)
    if StyliseImage in operators:
        column.prop(properties, "replace")
    for operator in operators:
        layout.operator(operator.bl_idname)


class ImagePanel(bpy.types.Panel):
    """In the sidebar of the Image Editor."""

    bl_label = "diffstyle"
    bl_idname = "DIFFSTYLE_PT_image"
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = "diffstyle"

    def draw(self, context: Any) -> None:
        """The settings, and a button for each operator."""
        _draw(self.layout, context.scene.diffstyle, (PreviewStyle, StyliseImage, StyliseRender))


class RenderPanel(bpy.types.Panel):
    """In the output properties."""

    bl_label = "diffstyle"
    bl_idname = "DIFFSTYLE_PT_render"
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "output"

    def draw(self, context: Any) -> None:
        """The settings, and the button for the render."""
        _draw(self.layout, context.scene.diffstyle, (StyliseRender,))

"""What the user sets: the style and its settings in each scene, the server in the preferences."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import bpy

from .diffstyle_client import (
    ADDRESS,
    COLOURS,
    MAX_SEED,
    MAX_SIDE,
    STRENGTH,
    STRUCTURE,
    DiffstyleError,
    Look,
    Server,
)

_LOCAL = ("127.0.0.1", "localhost", "::1")
_LABELS = ("The style's", "The photo's hues", "Exactly the style's", "Recolour only, no texture")


class StyleName(bpy.types.PropertyGroup):
    """The name of a style that the server has, in `name`, which Blender gives each group."""


def _suggested(self: Any, context: object, text: str) -> list[str]:
    del context
    return [style.name for style in self.names if text.lower() in style.name]


class StyleProperties(bpy.types.PropertyGroup):
    """The style of a scene. `names` are the server's named styles, once they were asked for."""

    __annotations__ = {
        "style": bpy.props.StringProperty(
            name="Style",
            description="In words, such as 'charcoal drawing', or the name of a style",
            search=_suggested,
            search_options={"SUGGESTION"},
        ),
        "names": bpy.props.CollectionProperty(type=StyleName),
        "strength": bpy.props.FloatProperty(
            name="Strength", description="How far to go to the style", min=0, max=1, default=STRENGTH, subtype="FACTOR"
        ),
        "structure": bpy.props.FloatProperty(
            name="Structure",
            description="How strongly shapes are held",
            min=0,
            max=1,
            default=STRUCTURE,
            subtype="FACTOR",
        ),
        "colour": bpy.props.EnumProperty(
            name="Colours",
            description="Whose colours the result has",
            items=[(value, label, "") for value, label in zip(COLOURS, _LABELS, strict=True)],
        ),
        "seed": bpy.props.IntProperty(
            name="Seed", description="The same number gives the same picture", min=0, max=MAX_SEED
        ),
        "size": bpy.props.IntProperty(
            name="Size",
            description="Longest side that is painted, in pixels, then enlarged again; 0 for the picture's own",
            min=0,
            max=MAX_SIDE,
        ),
        "replace": bpy.props.BoolProperty(
            name="Replace in Materials", description="Use the painted texture wherever the image is used now"
        ),
    }

    def look(self, *, depth: int = 8) -> Look:
        """These settings as the client sends them. DiffstyleError without a style."""
        values: Any = self
        look = Look(
            style=values.style,
            strength=values.strength,
            structure=values.structure,
            colour=values.colour,
            seed=values.seed,
            depth=depth,
        )
        look.fields()
        return look


class Preferences(bpy.types.AddonPreferences):
    """Where the server is."""

    bl_idname = __package__
    __annotations__ = {
        "address": bpy.props.StringProperty(
            name="Server", description="Where diffstyle serve answers", default=ADDRESS
        ),
        "key": bpy.props.StringProperty(
            name="API Key", description="Of a server that has --api-keys", subtype="PASSWORD"
        ),
    }

    def draw(self, context: object) -> None:
        """The page of the preferences."""
        del context
        for name in ("address", "key"):
            self.layout.prop(self, name)


def server_of(context: Any) -> Server:
    """The server of the preferences. DiffstyleError if it lies beyond this computer, and Blender may not go online."""
    found = context.preferences.addons[__package__].preferences
    if not bpy.app.online_access and urlsplit(found.address.strip()).hostname not in _LOCAL:
        raise DiffstyleError("The server is another computer: allow online access in Preferences > System > Network.")
    return Server(found.address, found.key)

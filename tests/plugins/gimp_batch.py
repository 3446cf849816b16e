"""Runs in GIMP: paints layers through the plug-in's procedure, and writes what came of it as files for the tests.

`DIFFSTYLE_TASK` is a JSON object: the addresses of servers, and the folder to write to.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio

TASK: dict[str, str] = json.loads(os.environ["DIFFSTYLE_TASK"])
FOLDER = Path(TASK["folder"])
FOUND: dict[str, dict[str, Any]] = {}


def opened(name: str) -> tuple[Any, Any]:
    """The image in a file of the folder, and its one layer."""
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(FOLDER / name)))
    return image, image.get_layers()[0]


def stylise(image: Any, layers: list[Any], **arguments: object) -> str:
    """Run the procedure; the error, or "" """
    procedure = Gimp.get_pdb().lookup_procedure("diffstyle-stylise")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", layers)
    for name, value in {"style": "charcoal drawing", "server": TASK["server"], **arguments}.items():
        config.set_property(name, value)
    values = procedure.run(config)
    return "" if values.index(0) == Gimp.PDBStatusType.SUCCESS else str(Gimp.get_pdb().get_last_error())


def save(drawable: Any, name: str) -> None:
    """Write one layer or mask as PNG, in the precision of its image."""
    image = drawable.get_image()
    kind = Gimp.ImageBaseType.GRAY if drawable.is_gray() else Gimp.ImageBaseType.RGB
    alone = Gimp.Image.new_with_precision(drawable.get_width(), drawable.get_height(), kind, image.get_precision())
    if kind == Gimp.ImageBaseType.RGB:
        alone.set_color_profile(image.get_effective_color_profile())
    copy = Gimp.Layer.new_from_drawable(drawable, alone)
    alone.insert_layer(copy, None, 0)
    copy.set_offsets(0, 0)
    if copy.get_mask() is not None:
        copy.remove_mask(Gimp.MaskApplyMode.DISCARD)
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, alone, Gio.File.new_for_path(str(FOLDER / name)), None)
    alone.delete()


def note(scene: str, image: Any, error: str, before: list[Any]) -> None:
    """Write what a scene came to: the new layer, its mask, and where it lies."""
    FOUND[scene] = {"error": error, "new": []}
    for layer in every_layer(image.get_layers()):
        if any(layer.get_id() == other.get_id() for other in before):
            continue
        save(layer, f"{scene}.png")
        mask = layer.get_mask()
        if mask is not None:
            save(mask, f"{scene}-mask.png")
        siblings = layer.get_parent().get_children() if layer.get_parent() else image.get_layers()
        FOUND[scene]["new"].append(
            {
                "name": layer.get_name(),
                "offsets": list(layer.get_offsets())[1:],
                "order": [one.get_name() for one in siblings],
                "parent": layer.get_parent().get_name() if layer.get_parent() else None,
                "selected": [one.get_name() for one in image.get_selected_layers()],
                "precision": image.get_precision().value_nick,
            }
        )


def every_layer(layers: list[Any]) -> list[Any]:
    """All layers, those in groups too."""
    return [
        one for layer in layers for one in [layer, *(every_layer(layer.get_children()) if layer.is_group() else [])]
    ]


def plain() -> None:
    """A layer that lies in a group and beside the image's corner, with a selection."""
    image, layer = opened("photo.png")
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    layer.set_name("photo")
    layer.set_offsets(5, 7)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 15, 17, 30, 20)
    before = every_layer(image.get_layers())
    note("plain", image, stylise(image, [layer]), before)


def selected_meanwhile() -> None:
    """A selection that changes while the server paints: the new layer's mask is the first one."""
    sys.path.insert(0, str(Path(os.environ["GIMP3_DIRECTORY"], "plug-ins", "diffstyle")))
    layers: Any = import_module("layers")
    image, layer = opened("photo.png")
    layer.set_offsets(5, 7)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 15, 17, 30, 20)
    mask = layers.selection_mask(image, layer)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 50, 50)
    layers.add_layer(image, layer, FOLDER / "photo.png", name="painted", mask=mask)
    note("meanwhile", image, "", [layer])


def given_back(scene: str, name: str, **arguments: object) -> None:
    """Strength 0, which gives a layer back as it is."""
    image, layer = opened(name)
    before = image.get_layers()
    save(layer, f"{scene}-before.png")
    note(scene, image, stylise(image, [layer], strength=0.0, **arguments), before)


def profiled() -> None:
    """An image with a colour profile of its own: linear light, as scanners and cameras have."""
    image, layer = opened("photo.png")
    image.convert_color_profile(
        Gimp.ColorProfile.new_rgb_adobe(), Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC, True
    )
    save(layer, "profiled-before.png")
    note("profiled", image, stylise(image, [layer], strength=0.0), [layer])


def masked() -> None:
    """A layer with a mask: what the mask hides is transparent in the new layer."""
    image, layer = opened("photo.png")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 40, 64)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.SELECTION))
    Gimp.Selection.none(image)
    note("masked", image, stylise(image, [layer]), [layer])


def refused() -> None:
    """What is said of what cannot be painted; the image stays as it was."""

    def said(scene: str, image: Any, layers: list[Any], **arguments: object) -> None:
        before = image.get_layers()
        note(scene, image, stylise(image, layers, **arguments), before)

    image, layer = opened("photo.png")
    said("no-style", image, [layer], style=" ")
    said("no-server", image, [layer], server=TASK["no_server"])
    said("old-server", image, [layer], server=TASK["old_server"])
    said("no-address", image, [layer], server="here")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 5, 5)
    layer.set_offsets(20, 20)
    said("outside", image, [layer])
    Gimp.Selection.none(image)
    layer.set_lock_content(True)
    said("locked", image, [layer])
    other = Gimp.Layer.new(image, "other", 8, 8, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(other, None, 0)
    said("two", image, [layer, other])
    channel = Gimp.Channel.new(image, "channel", 8, 8, 100, Gegl.Color.new("red"))
    image.insert_channel(channel, None, 0)
    said("channel", image, [channel])
    image, layer = opened("photo.png")
    image.convert_grayscale()
    said("gray", image, [layer])
    huge = Gimp.Image.new(1000, 500, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(huge, "huge", 1000, 500, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    huge.insert_layer(layer, None, 0)
    said("huge", huge, [layer])
    said("reduced", huge, [layer], size=64)


for scene in (
    plain,
    lambda: given_back("alpha", "alpha.png"),
    lambda: given_back("deep", "deep.png"),
    profiled,
    masked,
    selected_meanwhile,
    refused,
):
    scene()
(FOLDER / "found.json").write_text(json.dumps(FOUND))

"""Layers as PNG files, and back: with alpha, colour profile and 16 bits, as GIMP's own PNG export and import do it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffstyle_client import DiffstyleError, fitted
from gi.repository import Gimp, Gio


def check_layer(image: Any, drawables: list[Any]) -> Any:
    """The one layer that is to be painted. DiffstyleError if it cannot be."""
    if len(drawables) != 1:
        raise DiffstyleError(f"{len(drawables)} layers are selected: select one.")
    layer = drawables[0]
    if not layer.is_layer():
        raise DiffstyleError(f"{layer.get_name()} is a mask or a channel: select a layer.")
    if image.get_base_type() != Gimp.ImageBaseType.RGB:
        raise DiffstyleError("The image is grayscale or indexed: choose Image > Mode > RGB first.")
    if layer.get_lock_content():
        raise DiffstyleError(f"The pixels of {layer.get_name()} are locked: unlock them, or select another layer.")
    if not Gimp.Selection.is_empty(image) and not layer.mask_intersect()[0]:
        raise DiffstyleError("The selection lies outside the layer: change it, or choose Select > None.")
    return layer


def is_deep(image: Any) -> bool:
    """Whether the image has more than 8 bits a channel."""
    shallow = (Gimp.Precision.U8_LINEAR, Gimp.Precision.U8_NON_LINEAR, Gimp.Precision.U8_PERCEPTUAL)
    return image.get_precision() not in shallow


def write_layer(image: Any, layer: Any, path: Path, *, longest: int) -> None:
    """Write a layer as PNG with its mask applied, reduced to `longest` pixels a side unless that is 0."""
    width, height = layer.get_width(), layer.get_height()
    copied = Gimp.Image.new_with_precision(width, height, image.get_base_type(), image.get_precision())
    try:
        copied.undo_disable()
        copied.set_color_profile(image.get_effective_color_profile())
        alone = Gimp.Layer.new_from_drawable(layer, copied)
        copied.insert_layer(alone, None, 0)
        alone.set_offsets(0, 0)
        alone.set_opacity(100)
        alone.set_mode(Gimp.LayerMode.NORMAL)
        alone.set_visible(True)
        if alone.get_mask() is not None:
            alone.remove_mask(Gimp.MaskApplyMode.APPLY)
        if fitted(width, height, longest) != (width, height):
            copied.scale(*fitted(width, height, longest))
        export = Gimp.get_pdb().lookup_procedure("file-png-export")
        config = export.create_config()
        for name, value in (
            ("image", copied),
            ("file", Gio.File.new_for_path(str(path))),
            ("include-color-profile", True),
            ("compression", 1),
        ):
            config.set_property(name, value)
        export.run(config)
    finally:
        copied.delete()
    if not path.is_file():
        raise DiffstyleError(f"GIMP could not export {layer.get_name()} as PNG: is the disk full?")


def selection_mask(image: Any, layer: Any) -> Any:
    """The selection now, as a mask that no layer has yet; None if nothing is selected."""
    return None if Gimp.Selection.is_empty(image) else layer.create_mask(Gimp.AddMaskType.SELECTION)


def add_layer(image: Any, layer: Any, path: Path, *, name: str, mask: Any) -> Any:
    """Add the PNG at `path` above `layer`, as large as it, with `mask` if that is not None, in one undo step."""
    image.undo_group_start()
    try:
        painted = Gimp.file_load_layer(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(path)))
        if painted is None:
            raise DiffstyleError("GIMP could not read the painted layer: is the disk full?")
        painted.set_name(name[:60])
        image.insert_layer(painted, layer.get_parent(), image.get_item_position(layer))
        if (painted.get_width(), painted.get_height()) != (layer.get_width(), layer.get_height()):
            painted.scale(layer.get_width(), layer.get_height(), False)
        _, left, top = layer.get_offsets()
        painted.set_offsets(left, top)
        if mask is not None:
            painted.add_mask(mask)
        image.set_selected_layers([painted])
    finally:
        image.undo_group_end()
    return painted

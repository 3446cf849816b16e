#!/usr/bin/env python3
"""GIMP 3 plug-in: a new layer with the active layer repainted in a style, by a local `diffstyle serve`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")

from diffstyle_client import (
    ADDRESS,
    COLOURS,
    MAX_SEED,
    MAX_SIDE,
    STRENGTH,
    STRUCTURE,
    Cancelled,
    DiffstyleError,
    Look,
    Server,
)
from gi.repository import Gimp, GLib, GObject
from layers import add_layer, check_layer, is_deep, selection_mask, write_layer

PROCEDURE = "diffstyle-stylise"
_COLOUR_LABELS = ("The style's", "The photo's hues", "Exactly the style's", "Recolour only, no texture")


class Diffstyle(Gimp.PlugIn):
    """The plug-in, as GIMP asks it for its procedure."""

    def do_set_i18n(self, name: str) -> bool:
        """There are no translations."""
        del name
        return False

    def do_query_procedures(self) -> list[str]:
        """The names of the procedures."""
        return [PROCEDURE]

    def do_create_procedure(self, name: str) -> Any:
        """The procedure, with its arguments and its place in the menu."""
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("RGB*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label("_Stylise...")
        procedure.add_menu_path("<Image>/Filters/Artistic")
        about = "Repaint the layer in a style described in words"
        procedure.set_documentation(about, f"{about}: a new layer, with the selection as its mask.", name)
        procedure.set_attribution("diffstyle", "diffstyle, Apache-2.0", "2026")
        both = GObject.ParamFlags.READWRITE
        about = "In words, such as 'charcoal drawing', or the name of a style"
        procedure.add_string_argument("style", "St_yle", about, "", both)
        about = "How far to go from the layer (0) to the style (1)"
        procedure.add_double_argument("strength", "S_trength", about, 0, 1, STRENGTH, both)
        about = "How strongly the layer's shapes are held"
        procedure.add_double_argument("structure", "Str_ucture", about, 0, 1, STRUCTURE, both)
        choice = Gimp.Choice.new()
        for number, (value, label) in enumerate(zip(COLOURS, _COLOUR_LABELS, strict=True)):
            choice.add(value, number, label, "")
        procedure.add_choice_argument("colour", "_Colours", "Whose colours the result has", choice, COLOURS[0], both)
        about = "The same number gives the same picture"
        procedure.add_int_argument("seed", "S_eed", about, 0, MAX_SEED, 0, both)
        about = "Longest side that is painted, in pixels, then enlarged to the layer; 0 for the layer's own"
        procedure.add_int_argument("size", "Si_ze", about, 0, MAX_SIDE, 0, both)
        procedure.add_string_argument("server", "Ser_ver", "Where diffstyle serve answers", ADDRESS, both)
        procedure.add_string_argument("key", "API _key", "Of a server that has --api-keys", "", both)
        return procedure


def run(procedure: Any, mode: Any, image: Any, drawables: list[Any], config: Any, data: object) -> Any:
    """What GIMP calls: the dialog if there is one, the render, and the new layer."""
    del data
    try:
        layer = check_layer(image, drawables)
        if mode == Gimp.RunMode.INTERACTIVE:
            from dialog import asked

            if not asked(procedure, config, layer):
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        stylise(image, layer, config)
    except Cancelled:
        return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
    except DiffstyleError as error:
        return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, GLib.Error(str(error), "diffstyle", 0))
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)


def stylise(image: Any, layer: Any, config: Any) -> None:
    """Paint `layer` and add the result above it. The image is changed by one undo step, or not at all."""
    value = config.get_property
    look = Look(
        style=value("style") or "",
        strength=value("strength"),
        structure=value("structure"),
        seed=value("seed"),
        colour=value("colour"),
        depth=16 if is_deep(image) else 8,
    )
    look.fields()  # an empty style is said before anything is sent
    server = Server(value("server") or ADDRESS, value("key") or "")
    server.check()
    Gimp.progress_init("diffstyle paints")

    def on_progress(done: float, _: bytes | None) -> None:
        Gimp.progress_update(done)

    with tempfile.TemporaryDirectory(prefix="diffstyle-") as folder:
        sent, received = Path(folder, "layer.png"), Path(folder, "painted.png")
        mask = selection_mask(image, layer)  # the user may select something else while the server paints
        write_layer(image, layer, sent, longest=value("size"))
        received.write_bytes(server.stylise(sent.read_bytes(), look, on_progress=on_progress))
        add_layer(image, layer, received, name=look.style.strip(), mask=mask)
    Gimp.displays_flush()


if __name__ == "__main__":
    Gimp.main(Diffstyle.__gtype__, sys.argv)

"""The dialog: GIMP's own widgets for the arguments, with the server's named styles and a preview below them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("GimpUi", "3.0")
from diffstyle_client import PREVIEW_SIDE, DiffstyleError, Look, Server
from gi.repository import GdkPixbuf, GimpUi, Gtk
from layers import write_layer

_SHOWN = 256  # pixels of the longest side of the preview in the dialog


def asked(procedure: Any, config: Any, layer: Any) -> bool:
    """Show the dialog; whether the user wants the layer painted. `config` then holds what was entered."""
    GimpUi.init("diffstyle")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Stylise")
    dialog.fill(None)
    box = dialog.get_content_area()
    extras = _Extras(config, layer)
    box.pack_start(extras.widget, False, False, 6)
    extras.widget.show_all()
    extras.list_styles()
    try:
        return bool(dialog.run())
    finally:
        dialog.destroy()


class _Extras:
    """The named styles, and the preview of the current settings."""

    def __init__(self, config: Any, layer: Any) -> None:
        self._config, self._layer = config, layer
        self._names, self._said, self._picture = Gtk.ComboBoxText(), Gtk.Label(), Gtk.Image()
        button = Gtk.Button(label="Preview")
        row = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=6)
        row.pack_start(Gtk.Label(label="Named style"), False, False, 0)
        row.pack_start(self._names, True, True, 0)
        row.pack_start(button, False, False, 0)
        self._said.set_line_wrap(True)
        self._said.set_max_width_chars(48)
        self.widget = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        for part in (row, self._said, self._picture):
            self.widget.pack_start(part, False, False, 0)
        self._names.connect("changed", self._name_chosen)
        button.connect("clicked", self._clicked)

    def list_styles(self) -> None:
        """Fill the list, or say why there is none."""
        try:
            self._server().check()
            for name in self._server().style_names():
                self._names.append_text(name)
        except DiffstyleError as error:
            self._said.set_text(str(error))

    def preview(self) -> None:
        """Show the layer in the style, small; it takes a fraction of a second."""
        value = self._config.get_property
        look = Look(
            style=value("style") or "",
            strength=value("strength"),
            structure=value("structure"),
            seed=value("seed"),
            colour=value("colour"),
        )
        try:
            with tempfile.TemporaryDirectory(prefix="diffstyle-") as folder:
                path = Path(folder, "layer.png")
                write_layer(self._layer.get_image(), self._layer, path, longest=PREVIEW_SIDE)
                data = self._server().preview(path.read_bytes(), look)
        except DiffstyleError as error:
            self._said.set_text(str(error))
            return
        self._said.set_text("")
        loader = GdkPixbuf.PixbufLoader.new_with_type("png")
        loader.write(data)
        loader.close()
        shown = loader.get_pixbuf()
        scale = min(1.0, _SHOWN / max(shown.get_width(), shown.get_height()))
        size = (max(1, round(shown.get_width() * scale)), max(1, round(shown.get_height() * scale)))
        self._picture.set_from_pixbuf(shown.scale_simple(*size, GdkPixbuf.InterpType.BILINEAR))

    def _clicked(self, _: object) -> None:
        self.preview()

    def _name_chosen(self, names: Any) -> None:
        self._config.set_property("style", names.get_active_text())
        if self._names.get_realized():
            self.preview()

    def _server(self) -> Server:
        return Server(self._config.get_property("server") or "", self._config.get_property("key") or "")

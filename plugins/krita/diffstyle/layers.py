"""Krita's layers as PNG, and back. Krita converts colours, Qt reads and writes the PNG; both with 8 or 16 bits."""

from __future__ import annotations

from array import array
from typing import Any

from .diffstyle_client import DiffstyleError, fitted
from .qt import QtCore, QtGui

PROFILE = "sRGB-elle-V2-srgbtrc.icc"  # comes with Krita
_EMPTY = "The layer is empty: paint something, or select another one."


def check_layer(document: Any) -> Any:
    """The layer that is to be painted. DiffstyleError if there is none, or it cannot be."""
    if document is None:
        raise DiffstyleError("There is no document: open one.")
    node = document.activeNode()
    if node is None or node.type().endswith("mask"):
        raise DiffstyleError("There is no layer: select one, and no mask.")
    bounds, selection = node.bounds(), document.selection()
    if bounds.isEmpty():
        raise DiffstyleError(_EMPTY)
    if selection is not None:
        selected = QtCore.QRect(selection.x(), selection.y(), selection.width(), selection.height())
        if not selected.intersects(bounds):
            raise DiffstyleError("The selection lies outside the layer: change it, or choose Select > Deselect.")
    return node


def bits_of(node: Any) -> int:
    """The bits a channel in which a layer is painted: 8, or 16 for everything deeper."""
    return 8 if node.colorDepth() == "U8" else 16


def layer_png(document: Any, node: Any, longest: int) -> tuple[bytes, Any]:
    """A layer as it is seen, with its masks, as PNG reduced to `longest` pixels a side unless that is 0, and its
    rectangle: what lies outside the document is left out.
    """
    box = node.bounds().intersected(document.bounds())
    if box.isEmpty():
        raise DiffstyleError(_EMPTY)
    area = (box.x(), box.y(), box.width(), box.height())
    copy = document.createNode("diffstyle", "paintlayer")  # never becomes part of the document
    copy.setColorSpace(node.colorModel(), node.colorDepth(), node.colorProfile())
    copy.setPixelData(node.projectionPixelData(*area), *area)
    copy.setColorSpace("RGBA", f"U{bits_of(node)}", PROFILE)
    image = _image(bytes(copy.pixelData(*area)), box.width(), box.height(), bits_of(node))
    size = fitted(box.width(), box.height(), longest)
    if size != (box.width(), box.height()):
        image = _scaled(image, *size)
    return _png(image), box


def selected(document: Any) -> Any:
    """A copy of the selection, which later changes leave as it is; None if nothing is selected."""
    selection = document.selection()
    return None if selection is None else selection.duplicate()


def add_layer(document: Any, node: Any, data: bytes, box: Any, name: str, selection: Any) -> Any:
    """Add a painted PNG above `node`, as large as `box`, with `selection` as its mask: one undo step. It becomes the
    highest layer if `node` was deleted. DiffstyleError if the document was closed.
    """
    root = document.rootNode()
    if root is None:
        raise DiffstyleError("The document was closed while diffstyle painted: open it, and try again.")
    depth = bits_of(node)
    image = QtGui.QImage.fromData(data, "PNG")
    if image.isNull():
        raise DiffstyleError("Krita could not read the painted layer: try again.")
    if (image.width(), image.height()) != (box.width(), box.height()):
        image = _scaled(image, box.width(), box.height())
    painted = document.createNode(name[:60], "paintlayer")
    painted.setColorSpace("RGBA", f"U{depth}", PROFILE)
    painted.setPixelData(QtCore.QByteArray(_bytes(image, depth)), box.x(), box.y(), box.width(), box.height())
    painted.setColorSpace(document.colorModel(), document.colorDepth(), document.colorProfile())
    if selection is not None:
        mask = document.createTransparencyMask("Selection")
        mask.setSelection(selection)
        painted.addChildNode(mask, None)
    if _lies_in(root, node):
        node.parentNode().addChildNode(painted, node)
    else:
        root.addChildNode(painted, None)
    document.refreshProjection()
    return painted


def _lies_in(root: Any, node: Any) -> bool:
    """Whether a layer is still in the document: it may have been deleted, alone or with its group."""
    top = node
    while (parent := top.parentNode()) is not None:
        top = parent
    return bool(top == root)


def _image(data: bytes, width: int, height: int, depth: int) -> Any:
    """Krita's pixels, which are blue, green, red, alpha, as an image of Qt."""
    if depth == 8:
        return QtGui.QImage(data, width, height, 4 * width, QtGui.QImage.Format.Format_ARGB32).copy()
    swapped = _red_and_blue(data)
    return QtGui.QImage(swapped, width, height, 8 * width, QtGui.QImage.Format.Format_RGBA64).copy()


def _bytes(image: Any, depth: int) -> bytes:
    """An image of Qt as Krita's pixels."""
    formats = QtGui.QImage.Format
    image = image.convertToFormat(formats.Format_ARGB32 if depth == 8 else formats.Format_RGBA64)
    pointer = image.constBits()
    pointer.setsize(image.sizeInBytes())
    data = bytes(pointer)
    return data if depth == 8 else _red_and_blue(data)


def _red_and_blue(data: bytes) -> bytes:
    """Pixels of four numbers of 16 bits, with the first and the third exchanged."""
    numbers = array("H", data)
    numbers[0::4], numbers[2::4] = numbers[2::4], numbers[0::4]
    return numbers.tobytes()


def _scaled(image: Any, width: int, height: int) -> Any:
    kinds = QtCore.Qt
    return image.scaled(
        width, height, kinds.AspectRatioMode.IgnoreAspectRatio, kinds.TransformationMode.SmoothTransformation
    )


def _png(image: Any) -> bytes:
    buffer = QtCore.QBuffer()
    buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    if not image.save(buffer, "PNG", 80):
        raise DiffstyleError("The layer could not be written as PNG: is there enough memory?")
    return bytes(buffer.data())

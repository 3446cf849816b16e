"""The part of Krita's Python module that plugins/krita uses: README.md says what it is."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from PyQt6.QtCore import QByteArray, QRect
from PyQt6.QtWidgets import QApplication, QDockWidget

_TYPES = {"U8": np.dtype("u1"), "U16": np.dtype("<u2")}
_APPLICATION = QApplication.instance() or QApplication([])


class Selection:
    """A rectangle of selected pixels."""

    def __init__(self) -> None:
        self._box = QRect()

    def select(self, x: int, y: int, w: int, h: int, value: int) -> None:
        assert value == 255
        self._box = QRect(x, y, w, h)

    def duplicate(self) -> Selection:
        copy = Selection()
        copy._box = QRect(self._box)
        return copy

    def x(self) -> int:
        return self._box.x()

    def y(self) -> int:
        return self._box.y()

    def width(self) -> int:
        return self._box.width()

    def height(self) -> int:
        return self._box.height()


class Node:
    """A layer or mask; its pixels are blue, green, red, alpha."""

    def __init__(self, name: str, kind: str, depth: str, profile: str) -> None:
        self._name, self._kind, self._depth, self._profile = name, kind, depth, profile
        self._children: list[Node] = []
        self._parent: Node | None = None
        self._box, self._pixels = QRect(), np.zeros((0, 0, 4), _TYPES[depth])
        self._selection: Selection | None = None

    def name(self) -> str:
        return self._name

    def type(self) -> str:
        return self._kind

    def colorModel(self) -> str:
        return "RGBA"

    def colorDepth(self) -> str:
        return self._depth

    def colorProfile(self) -> str:
        return self._profile

    def setColorSpace(self, colorModel: str, colorDepth: str, colorProfile: str) -> bool:
        assert (colorModel, colorProfile) == ("RGBA", self._profile)
        if colorDepth != self._depth:
            deep = self._pixels.astype(np.uint32)
            scaled = deep * 257 if colorDepth == "U16" else (deep + 128) // 257
            self._pixels, self._depth = scaled.astype(_TYPES[colorDepth]), colorDepth
        return True

    def bounds(self) -> Any:
        return QRect(self._box)

    def setPixelData(self, value: Any, x: int, y: int, w: int, h: int) -> bool:
        data = bytes(value) if isinstance(value, bytes) else value.data()
        self._pixels = np.frombuffer(data, _TYPES[self._depth]).reshape(h, w, 4).copy()
        self._box = QRect(x, y, w, h)
        return True

    def pixelData(self, x: int, y: int, w: int, h: int) -> Any:
        left, top = x - self._box.x(), y - self._box.y()
        return QByteArray(self._pixels[top : top + h, left : left + w].tobytes())

    def projectionPixelData(self, x: int, y: int, w: int, h: int) -> Any:
        return self.pixelData(x, y, w, h)

    def childNodes(self) -> list[Node]:
        return list(self._children)

    def parentNode(self) -> Node | None:
        return self._parent

    def addChildNode(self, child: Node, above: Node | None) -> bool:
        place = len(self._children) if above is None else self._children.index(above) + 1
        self._children.insert(place, child)
        child._parent = self
        return True

    def remove(self) -> bool:
        assert self._parent is not None
        self._parent._children.remove(self)
        self._parent = None
        return True

    def setSelection(self, selection: Selection) -> None:
        self._selection = selection

    def selection(self) -> Selection | None:
        return self._selection


class Document:
    """A document without a window."""

    def __init__(self, width: int, height: int, depth: str, profile: str) -> None:
        self._box, self._depth, self._profile = QRect(0, 0, width, height), depth, profile
        self._root = Node("root", "grouplayer", depth, profile)
        self._selection: Selection | None = None
        self._open = True

    def close(self) -> bool:
        self._open = False
        return True

    def rootNode(self) -> Node | None:
        return self._root if self._open else None

    def nodeByName(self, name: str) -> Node | None:
        return next((node for node in self._root.childNodes() if node.name() == name), None)

    def createNode(self, name: str, nodeType: str) -> Node:
        return Node(name, nodeType, self._depth, self._profile)

    def createTransparencyMask(self, name: str) -> Node:
        return Node(name, "transparencymask", self._depth, self._profile)

    def bounds(self) -> Any:
        return QRect(self._box)

    def selection(self) -> Selection | None:
        return self._selection

    def setSelection(self, value: Selection | None) -> None:
        self._selection = value

    def colorModel(self) -> str:
        return "RGBA"

    def colorDepth(self) -> str:
        return self._depth

    def colorProfile(self) -> str:
        return self._profile

    def refreshProjection(self) -> None:
        pass

    def waitForDone(self) -> None:
        pass


class DockWidget(QDockWidget):
    """The base class of dockers."""


class DockWidgetFactoryBase:
    """Where a docker may lie."""

    DockRight = 1


class DockWidgetFactory(DockWidgetFactoryBase):
    """What makes dockers."""

    def __init__(self, dock_id: str, position: int, widget: type[DockWidget]) -> None:
        self.id, self.position, self.widget = dock_id, position, widget


class Krita:
    """The one instance of the program."""

    factories: ClassVar[list[DockWidgetFactory]] = []
    _settings: ClassVar[dict[tuple[str, str], str]] = {}

    @staticmethod
    def instance() -> Krita:
        return Krita()

    def activeDocument(self) -> Document | None:
        return None

    def addDockWidgetFactory(self, factory: DockWidgetFactory) -> None:
        self.factories.append(factory)

    def createDocument(
        self, width: int, height: int, name: str, model: str, depth: str, profile: str, resolution: float
    ) -> Any:
        assert (model, bool(name), resolution > 0) == ("RGBA", True, True)
        return Document(width, height, depth, profile)

    def readSetting(self, group: str, name: str, default: str) -> str:
        return self._settings.get((group, name), default)

    def writeSetting(self, group: str, name: str, value: str) -> None:
        self._settings[group, name] = value

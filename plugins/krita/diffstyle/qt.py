"""Qt as Krita has it: PyQt5 in Krita 5, PyQt6 in Krita 6. Two of them in one process end it."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def _name() -> str:
    """The package that Krita itself has imported, or else the one that can be."""
    for name in ("PyQt5", "PyQt6"):
        if f"{name}.QtCore" in sys.modules:
            return name
    try:
        import_module("PyQt6.QtCore")
    except ImportError:
        return "PyQt5"
    return "PyQt6"


_QT = _name()
QtCore: Any = import_module(f"{_QT}.QtCore")
QtGui: Any = import_module(f"{_QT}.QtGui")
QtWidgets: Any = import_module(f"{_QT}.QtWidgets")

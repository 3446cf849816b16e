"""Types of Krita, for pyright alone: its Python module is written in C++."""

from typing import Any

DockWidget: Any
DockWidgetFactory: Any
DockWidgetFactoryBase: Any
Krita: Any
Selection: Any

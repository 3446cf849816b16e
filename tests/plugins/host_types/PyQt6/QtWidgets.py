"""What the stand-in for Krita uses."""

from typing import Any

QApplication: Any
QDockWidget: Any

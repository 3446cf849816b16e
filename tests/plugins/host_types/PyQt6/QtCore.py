"""What the stand-in for Krita uses."""

from typing import Any

QByteArray: Any
QRect: Any

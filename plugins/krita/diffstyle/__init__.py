"""Krita plugin: a docker that repaints layers in a style, by a local `diffstyle serve`."""

from __future__ import annotations

from krita import DockWidgetFactory, DockWidgetFactoryBase, Krita

from .docker import StyleDocker

_POSITIONS = getattr(DockWidgetFactoryBase, "DockPosition", DockWidgetFactoryBase)  # scoped in PyQt6

Krita.instance().addDockWidgetFactory(DockWidgetFactory("diffstyle", _POSITIONS.DockRight, StyleDocker))

"""Widgets of the page: HTML, CSS and the values behind them."""

from __future__ import annotations

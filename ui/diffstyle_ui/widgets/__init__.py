"""Reusable widgets. They know values and HTML only: no session, no server, no model."""

from __future__ import annotations

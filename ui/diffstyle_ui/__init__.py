"""The web page of diffstyle: try styles, blend, paint, look back. `diffstyle ui` opens it."""

from __future__ import annotations

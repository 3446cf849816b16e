"""The tabs of the page, one a file."""

from __future__ import annotations

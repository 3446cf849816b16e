"""The web page of diffstyle, opened by `diffstyle ui`: try styles, blend them, paint with masks, compare results."""

from __future__ import annotations

"""The tabs of the page, one in each module. No tab imports another; `app.page` connects them."""

from __future__ import annotations

"""What all tabs share: context, sessions, events, rendering. On top of the tabs: the page, its API and its server."""

from __future__ import annotations

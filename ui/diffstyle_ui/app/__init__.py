"""What every tab shares: context, events, errors, the server."""

from __future__ import annotations

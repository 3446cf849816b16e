"""What visitors may ask of the page's server."""

from __future__ import annotations

from dataclasses import dataclass

from diffstyle.serving.limits import ServerLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(ServerLimits):
    """What visitors may ask of the server: what `ServerLimits` says of one request, `max_visitor_mb` of all that a
    visitor uploads in a few hours and `max_total_mb` of all visitors; `max_clip_seconds` of a clip that are painted at
    a time; and whether visitors may train adapters and students, which everybody who uses this server then sees.
    """

    max_visitor_mb: int = 1000
    max_total_mb: int = 10_000
    max_clip_seconds: int = 60
    training: bool = True

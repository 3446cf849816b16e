"""The line under the picture: what was done, or how far it is."""

from __future__ import annotations

import html

CSS = """
.said { margin: 0; min-height: 22px; font-size: 14px; color: var(--body-text-color-subdued); }
.said + .said { color: var(--body-text-color); }
.said progress { width: 100%; height: 8px; margin-top: 6px; accent-color: var(--accent-strong); display: block; }
"""
UNEXPECTED = "Something went wrong here, not with what you gave: try again; the server's log has the details."
IDLE = '<p class="said" role="status"></p>'


def said(*sentences: str | None) -> str:
    """The HTML of one line for each sentence."""
    return "".join(f'<p class="said" role="status">{html.escape(s)}</p>' for s in sentences if s)


def progress(done: int, total: int, *, what: str = "Step", after: str = "") -> str:
    """A bar: without a value while `total` is not known yet."""
    words = f"{what} {done} of {total}{after}" if total else f"{what} …"
    value = f' value="{done}" max="{total}"' if total else ""
    return f'<p class="said" role="status">{html.escape(words)}<progress{value} aria-label="{words}"></progress></p>'

"""Stand-in for ComfyUI's module of this name: see README.md."""

from __future__ import annotations

from typing import Any, ClassVar


class ProgressBar:
    """Records its updates; `made` holds every bar."""

    made: ClassVar[list[ProgressBar]] = []

    def __init__(self, total: float, node_id: str | None = None) -> None:
        self.total, self.node_id, self.current = total, node_id, 0.0
        self.updates: list[tuple[float, float, Any]] = []
        ProgressBar.made.append(self)

    def update_absolute(self, value: float, total: float | None = None, preview: Any = None) -> None:
        self.total = self.total if total is None else total
        self.current = min(value, self.total)
        self.updates.append((self.current, self.total, preview))

    def update(self, value: float) -> None:
        self.update_absolute(self.current + value)

"""Checkpoints that survive a kill at any moment: written beside, then renamed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch


def save(path: Path, state: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    torch.save(state, temporary)
    temporary.replace(path)


def load(path: Path) -> dict[str, Any] | None:
    """The state last saved, or None. Tensors and plain values only: no pickled code is run."""
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None

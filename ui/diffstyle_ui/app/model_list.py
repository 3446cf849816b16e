"""The models that diffstyle knows: size, memory, licence, and whether they are installed or how to install them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffstyle.assets.hub import known_models, size_text, starter_memory, where
from diffstyle.assets.manifest import manifest


def model_rows() -> list[Mapping[str, Any]]:
    """One row of plain values for each model, the starter first."""
    starter = sum(file.size for file in manifest().values())
    rows: list[Mapping[str, Any]] = [
        {
            "name": "starter",
            "kind": "complete, trained by this project",
            "size": size_text(starter),
            "memory": size_text(starter_memory()),
            "here": True,
            "licence": "Apache-2.0",
            "command": "",
        }
    ]
    for model in known_models().values():
        here = where(model) is not None
        rows.append(
            {
                "name": model.name,
                "kind": f"{model.kind} {model.family}".strip(),
                "size": size_text(model.size),
                "memory": size_text(model.memory) if model.memory else "",
                "here": here,
                "licence": model.licence,
                "command": "" if here else f"diffstyle models pull {model.name}",
            }
        )
    return rows

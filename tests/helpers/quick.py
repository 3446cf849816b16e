"""Settings with which engines that take many steps take few."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from diffstyle.core.fields import fields_of
from diffstyle.core.settings import EngineSettings


def quick(settings: EngineSettings) -> EngineSettings:
    """`settings` with few iterations, where the engine optimises the picture; others keep their defaults."""
    return replace(settings, **few_of(type(settings)))


def few_of(cls: type[EngineSettings]) -> dict[str, Any]:
    """Values with which an engine that optimises the picture takes few iterations; none for other engines."""
    few = {"iterations": 2, "scales": 2, "samples": 64}
    known = {info.name for info in fields_of(cls)}
    return {name: value for name, value in few.items() if name in known} if "iterations" in known else {}

"""Settings with which engines that take many steps take few."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from diffstyle.core.fields import fields_of
from diffstyle.core.settings import EngineSettings

FEW = {"steps": 2, "iterations": 3, "samples": 128}


def quick(settings: EngineSettings) -> EngineSettings:
    """`settings` with few iterations, where the engine optimises; diffusion and the painter keep their defaults."""
    own = {name: value for name, value in few_of(type(settings)).items() if name != "steps"}
    return replace(settings, **own)


def few_of(cls: type[EngineSettings]) -> dict[str, Any]:
    """Values for the settings of an engine that say how many steps it takes."""
    known = {info.name for info in fields_of(cls)}
    return {name: value for name, value in FEW.items() if name in known}

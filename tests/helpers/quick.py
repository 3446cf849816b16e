"""Settings with which engines that take many steps take few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from diffstyle.core.fields import fields_of
from diffstyle.core.settings import EngineSettings
from diffstyle.engines.optimised.settings import Optimised
from diffstyle.engines.registry import engine_names, settings_class


def quick(settings: EngineSettings) -> EngineSettings:
    """`settings` with few iterations, where the engine optimises the picture; others keep their defaults."""
    return replace(settings, **few_of(type(settings)))


def quick_engine(name: str) -> EngineSettings:
    """The defaults of the engine called `name`, but with few iterations."""
    return quick(settings_class(name)())


def quick_options(name: str) -> list[str]:
    """The same on the command line."""
    return [word for key, value in few_of(settings_class(name)).items() for word in (f"--{key}", str(value))]


def engines_by_code() -> list[Any]:
    """Parameters with the names of all engines; those that share the code of one before them are marked as long."""
    optimised = [name for name in engine_names() if issubclass(settings_class(name), Optimised)]
    return [pytest.param(n, marks=pytest.mark.long) if n in optimised[1:] else n for n in engine_names()]


def some_quick(names: Sequence[object], every: int = 3) -> list[Any]:
    """Parameters of which every `every`-th is tested always, the others only with the long tests."""
    return [n if not number % every else pytest.param(n, marks=pytest.mark.long) for number, n in enumerate(names)]


def few_of(cls: type[EngineSettings]) -> dict[str, Any]:
    """Values with which an engine that optimises the picture takes few iterations; none for other engines."""
    few = {"iterations": 1, "scales": 2, "samples": 64}
    known = {info.name for info in fields_of(cls)}
    return {name: value for name, value in few.items() if name in known} if "iterations" in known else {}

"""STROTSS, as an engine."""

from __future__ import annotations

from functools import partial

from diffstyle.engines.base import EngineHost
from diffstyle.engines.optimised.engine import Method, OptimisedEngine
from diffstyle.engines.strotss.objective import objective
from diffstyle.engines.strotss.presets import presets
from diffstyle.engines.strotss.settings import Strotss


def load(host: EngineHost) -> OptimisedEngine[Strotss]:
    """It computes on the host's device, with the best network that is on this machine."""
    return OptimisedEngine(Method(settings=Strotss, presets=presets, objective=lambda s: partial(objective, s)), host)

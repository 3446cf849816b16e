"""Neural style transfer by Gram matrices, as an engine."""

from __future__ import annotations

from diffstyle.engines.base import EngineHost
from diffstyle.engines.gatys.objective import objective
from diffstyle.engines.gatys.presets import presets
from diffstyle.engines.gatys.settings import Gatys
from diffstyle.engines.optimised.engine import Method, OptimisedEngine


def load(host: EngineHost) -> OptimisedEngine[Gatys]:
    """It computes on the host's device, with the best network that is on this machine."""
    return OptimisedEngine(Method(settings=Gatys, presets=presets, objective=lambda _: objective), host)

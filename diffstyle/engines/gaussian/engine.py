"""Style transfer by Gaussian statistics, as an engine."""

from __future__ import annotations

from diffstyle.engines.base import EngineHost
from diffstyle.engines.gaussian.objective import objective
from diffstyle.engines.gaussian.presets import presets
from diffstyle.engines.gaussian.settings import Gaussian
from diffstyle.engines.optimised.engine import Method, OptimisedEngine


def load(host: EngineHost) -> OptimisedEngine[Gaussian]:
    """It computes on the host's device, with the best network that is on this machine."""
    return OptimisedEngine(Method(settings=Gaussian, presets=presets, objective=lambda _: objective), host)

"""The engines of a model that a personal adapter is trained for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from diffstyle.controls.wrapper import Wrapper
from diffstyle.core.errors import InputError
from diffstyle.core.picture import Picture
from diffstyle.core.style import Style
from diffstyle.engines.adain.engine import AdaINEngine
from diffstyle.engines.base import Engine
from diffstyle.engines.diffusion.engine import DiffusionEngine
from diffstyle.engines.registry import engine_for_adapters, interactive_engine
from diffstyle.stylizer import Stylizer
from diffstyle.training.personal.recipe import AdapterKind

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class TrainedEngines:
    """`diffusion`, called `name` in the registry, has the adapter; `preview` has statistics that are tuned with it."""

    name: str
    diffusion: DiffusionEngine
    preview: AdaINEngine

    @classmethod
    def of(cls, stylizer: Stylizer, kind: AdapterKind) -> TrainedEngines:
        """The engine that loads adapters of this kind, and the interactive one; InputError if one cannot be trained."""
        name = engine_for_adapters(stylizer.default_engine, {kind})
        diffusion = unwrapped(stylizer.engine(name), DiffusionEngine)
        return cls(name, diffusion, unwrapped(stylizer.engine(interactive_engine()), AdaINEngine))


def unwrapped(engine: Engine, kind: type[E]) -> E:
    """The engine of class `kind` inside its controls; InputError if it is another."""
    while isinstance(engine, Wrapper):
        engine = engine.engine
    if not isinstance(engine, kind):
        raise InputError(f"The model is not painted by {kind.__name__}: personal adapters cannot be trained for it.")
    return engine


def statistics_of(engine: AdaINEngine, pictures: Sequence[Picture]) -> Tensor:
    """(s,): the preview's statistics of pictures, blended in equal parts."""
    style = engine.measure(Style.from_images(list(pictures)))
    return torch.stack([r.statistics[engine.space] * r.weight for r in style.references]).sum(0)

"""How a personal adapter is trained: plain values that are kept beside it in recipe.toml."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from diffstyle.core.errors import InputError

AdapterKind = Literal["tokens", "lora"]
_BOUNDS = {"minutes": (0.05, 1440), "rank": (1, 256), "batch": (1, 64), "accumulate": (1, 256), "size": (64, 2048)}
_WHOLE = ("steps", "rank", "batch", "accumulate", "size", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterRecipe:
    """Everything that decides an adapter besides the pictures and the model.

    Parameters
    ----------
    kind
        lora adds to the model's own weights; tokens fine-tunes a style adapter in IP-Adapter layout.
    minutes
        How long to train; the number of steps is estimated from the time that the first ones take.
    steps
        How many steps to train, however long they take.
    rank
        Rank of the LoRA's matrices; a higher one learns more detail and overfits sooner.
    size
        Side of the crops in pixels; the model's own if not given.
    batch
        Pictures in a step.
    accumulate
        Batches whose gradients are averaged in one step.
    learning_rate
        The highest learning rate; the kind's own if not given.
    checkpointing
        Recompute activations in the backward pass: less memory, a third more time.
    seed
        Equal seeds and steps give equal adapters.
    """

    kind: AdapterKind = "lora"
    minutes: float = 8.0
    steps: int | None = None
    rank: int = 8
    size: int | None = None
    batch: int = 2
    accumulate: int = 1
    learning_rate: float | None = None
    checkpointing: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(AdapterKind):
            raise InputError(f"kind is {self.kind!r}: give one of {', '.join(get_args(AdapterKind))}.")
        for name in _WHOLE:
            value = getattr(self, name)
            if value is not None and value != int(value):
                raise InputError(f"{name} is {value}: give a whole number.")
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"{name} is {value}: give a number from {low} to {high}.")
        if self.steps is not None and not 1 <= self.steps <= 1_000_000:
            raise InputError(f"steps is {self.steps}: give a number from 1 to 1000000.")
        rate = self.learning_rate
        if rate is not None and not (math.isfinite(rate) and 0 < rate <= 1):
            raise InputError(f"learning_rate is {rate}: give a number above 0, up to 1.")

    @property
    def rate(self) -> float:
        return self.learning_rate or (2e-3 if self.kind == "lora" else 5e-4)

    def to_toml(self) -> str:
        lines = [f"{k} = {_toml(v)}" for k, v in asdict(self).items() if v is not None]
        return "".join(f"{line}\n" for line in lines)


def _toml(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)

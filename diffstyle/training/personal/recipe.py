"""How a personal adapter is trained: plain values that are kept beside it in recipe.toml."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from diffstyle.core.errors import InputError
from diffstyle.core.fields import Range, check_values

AdapterKind = Literal["tokens", "lora"]
WHOLE = ("steps", "rank", "batch", "accumulate", "size", "seed")


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
    minutes: Annotated[float, Range(0.05, 1440)] = 8.0
    steps: Annotated[int | None, Range(1, 1_000_000)] = None
    rank: Annotated[int, Range(1, 256)] = 8
    size: Annotated[int | None, Range(64, 2048)] = None
    batch: Annotated[int, Range(1, 64)] = 2
    accumulate: Annotated[int, Range(1, 256)] = 1
    learning_rate: Annotated[float | None, Range(1e-8, 1)] = None
    checkpointing: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in WHOLE:
            value = getattr(self, name)
            if isinstance(value, float) and not value.is_integer():
                raise InputError(f"{name} is {value}: give a whole number.")
        check_values(self, AdapterRecipe)

    @property
    def rate(self) -> float:
        return self.learning_rate or (2e-3 if self.kind == "lora" else 5e-4)

    def to_toml(self) -> str:
        """One line for each value that is set."""
        return "".join(f"{k} = {json.dumps(v)}\n" for k, v in asdict(self).items() if v is not None)

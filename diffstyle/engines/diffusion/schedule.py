"""How many steps of which noise schedule give a denoising of a given strength."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST: Mapping[str, int] = {"lcm": 50, "tcd": 50}  # of the schedules that these were distilled on


@dataclass(frozen=True, slots=True)
class Schedule:
    """`total` steps from pure noise, of which the last `run` are run: diffusers' num_inference_steps and strength."""

    total: int
    run: int

    @property
    def strength(self) -> float:
        """What diffusers must be given so that it runs exactly `run` steps: it rounds down."""
        return min(1.0, (self.run + 0.01) / self.total)

    def levels(self, scheduler: Any) -> list[int]:
        """The noise levels of the steps that are run, highest first."""
        scheduler.set_timesteps(self.total)
        return [int(t) for t in scheduler.timesteps[-self.run :]]


def schedule(steps: int, denoise: float, scheduler: Any, name: str) -> Schedule:
    """`steps` steps of `scheduler` over the noise levels below `denoise` (0 to 1) of its training's.

    img2img elsewhere runs steps x denoise of them, whatever noise the sampler has there; here what is asked for is run,
    and a denoising of 0.5 begins at the same noise with every sampler. Of a schedule so long that it has no levels in
    between, fewer steps are run.
    """
    trained = int(scheduler.config.num_train_timesteps)
    longest = LONGEST.get(name, trained)

    def below(total: int) -> int:
        scheduler.set_timesteps(total)
        return sum(float(t) < denoise * trained for t in scheduler.timesteps)

    if denoise <= 0:
        return Schedule(longest, 0)
    few, many = min(steps, longest), longest
    if below(many) <= steps:
        return Schedule(many, below(many))
    while few < many:  # the shortest schedule with enough levels
        middle = (few + many) // 2
        few, many = (few, middle) if below(middle) >= steps else (middle + 1, many)
    return Schedule(many, min(steps, below(many)))

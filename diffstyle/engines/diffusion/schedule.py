"""How many steps of which noise schedule give a denoising of a given strength."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LONGEST: Mapping[str, int] = {"lcm": 50, "tcd": 50}  # of the schedules that these were distilled on
TRAINED = 1000


@dataclass(frozen=True, slots=True)
class Schedule:
    """`total` steps from pure noise, of which the last `run` are run: diffusers' num_inference_steps and strength."""

    total: int
    run: int

    @property
    def strength(self) -> float:
        """What diffusers must be given so that it runs exactly `run` steps: it rounds down."""
        return min(1.0, (self.run + 0.01) / self.total)


def schedule(steps: int, denoise: float, scheduler: str) -> Schedule:
    """`steps` steps over the last `denoise` (0 to 1) of the schedule.

    img2img elsewhere runs steps x denoise of them; here what is asked for is run, and where it begins moves smoothly
    with `denoise`. Of a schedule so long that it has no steps in between, fewer are run.
    """
    longest = LONGEST.get(scheduler, TRAINED)
    if denoise <= 0:
        return Schedule(longest, 0)
    total = max(steps, round(steps / denoise))
    if total <= longest:
        return Schedule(total, steps)
    return Schedule(longest, min(steps, round(longest * denoise)))

"""How much of a trained adapter is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from diffstyle.evaluation.measures import Measures
from diffstyle.training.personal.trainable import Trainable

FACTORS = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_LOST = 0.05  # structure


def keep_best_factor(
    trainable: Trainable, untrained: Mapping[str, Tensor], measures_at: Callable[[float], Measures]
) -> float:
    """Interpolate between the `untrained` values and those of `trainable`, and keep the best factor, which is returned.

    The best of FACTORS has the lowest texture ratio of those that lose at most MOST_LOST of the untrained structure.
    `measures_at` is called with each factor, with the interpolated values in place. The training loss is no substitute,
    because it is computed on crops, without the whole render.
    """
    trained = trainable.values()

    def interpolate(factor: float) -> None:
        trainable.restore({k: untrained[k].lerp(v, factor) for k, v in trained.items()})

    found: dict[float, Measures] = {}
    for factor in FACTORS:
        interpolate(factor)
        found[factor] = measures_at(factor)
    least = found[0.0].structure - MOST_LOST
    best = min((f for f in FACTORS if found[f].structure >= least), key=lambda f: found[f].texture_ratio)
    interpolate(best)
    return best

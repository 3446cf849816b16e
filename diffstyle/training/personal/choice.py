"""How much of what was learned is kept: as much as brings painted photos nearest to the hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from diffstyle.evaluation.measures import Measures
from diffstyle.training.personal.trainable import Trainable

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_LOST = 0.05  # structure


def keep_nearest(trainable: Trainable, untrained: Mapping[str, Tensor], tried: Callable[[float], Measures]) -> float:
    """Leave `trainable` at that share of the way from `untrained` to where it is, and give it, at which `tried`, told
    the share for what else was learned, finds the lowest texture ratio among those that lose no more structure than
    MOST_LOST against none of it: the loss that was trained stands for painting, and is not it.
    """
    trained = trainable.values()

    def take(share: float) -> None:
        trainable.restore({k: untrained[k].lerp(v, share) for k, v in trained.items()})

    found: dict[float, Measures] = {}
    for share in SHARES:
        take(share)
        found[share] = tried(share)
    least = found[0.0].structure - MOST_LOST
    best = min((s for s in SHARES if found[s].structure >= least), key=lambda s: found[s].texture_ratio)
    take(best)
    return best

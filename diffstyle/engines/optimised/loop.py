"""The one optimisation loop: a picture, a loss, an optimiser, coarse to fine.

After crowsonkb's style-transfer-pytorch: every size begins with the picture of the last one and with the moments of its
optimiser, and the result of Adam is the mean of its last iterates. What is optimised are the bands of a Laplacian
pyramid that is added to the picture, so that coarse and fine detail move at once (Kolkin et al. 2019); the finest is
grey, since features of a large stride leave coloured grain there. With one band it is the pixels themselves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.optimised.settings import Optimizer

Loss = Callable[[Tensor, int], Tensor]  # of a picture (1, 3, h, w) at an iteration, a number
OnIteration = Callable[[int, Tensor], None]  # with how many are done and the picture so far; may raise to cancel

BETAS = (0.9, 0.99)
AVERAGED = 0.9  # weight of all iterates before in the mean of Adam's
OUTSIDE = 10.0  # weight of values outside [0, 1]
HISTORY = 10  # steps that L-BFGS remembers


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """How the loss is followed: evaluations at each size, `rate` falling to `decay` of it, `bands` of the pyramid."""

    optimizer: Optimizer
    iterations: int
    rate: float
    decay: float
    bands: int


@dataclass(slots=True, eq=False)
class Moments:
    """Of Adam, first and second, a pair for each band; `steps` are those taken so far."""

    pairs: list[tuple[Tensor, Tensor]] = field(default_factory=list[tuple[Tensor, Tensor]])
    steps: int = 0


class _Spent(Exception):
    """All evaluations are spent."""


def optimise(
    start: Tensor, loss: Loss, descent: Descent, on_iteration: OnIteration, moments: Moments | None = None
) -> tuple[Tensor, Moments]:
    """The picture (1, 3, h, w) that is reached from `start`, clamped to [0, 1], and the moments to go on with.

    Equal input gives equal pictures on the same machine. `on_iteration` is called before every evaluation.
    """
    with torch.inference_mode(False), torch.enable_grad():
        base = start.clone()
        bands = [torch.zeros(shape, requires_grad=True) for shape in _shapes(base, descent.bands)]

        def evaluate(n: int) -> tuple[Tensor, Tensor]:
            picture = base + collapsed(bands, base.shape)
            total = loss(picture, n) + OUTSIDE * (picture - picture.clamp(0, 1)).square().mean()
            torch.autograd.backward([total])
            return picture.detach(), total.detach()

        if descent.optimizer == "lbfgs":
            return _by_lbfgs(bands, base, evaluate, descent, on_iteration), Moments()
        return _by_adam(bands, base, evaluate, descent, on_iteration, moments or Moments())


Evaluate = Callable[[int], tuple[Tensor, Tensor]]


def _by_adam(
    bands: list[Tensor],
    base: Tensor,
    evaluate: Evaluate,
    descent: Descent,
    on_iteration: OnIteration,
    moments: Moments,
) -> tuple[Tensor, Moments]:
    """Kingma and Ba 2015, with the mean of iterates of Polyak and Juditsky 1992."""
    optimizer = torch.optim.Adam(bands, descent.rate, betas=BETAS)
    _carry(optimizer, bands, moments)
    mean, weight = torch.zeros_like(base), 0.0
    shown = base
    for n in range(descent.iterations):
        on_iteration(n, shown)
        for group in optimizer.param_groups:
            group["lr"] = descent.rate * descent.decay ** (n / descent.iterations)
        optimizer.zero_grad()
        evaluate(n)
        optimizer.step()
        with torch.no_grad():
            shown = base + collapsed(bands, base.shape)
            mean.mul_(AVERAGED).add_(shown, alpha=1 - AVERAGED)
            weight = AVERAGED * weight + 1 - AVERAGED
    pairs = [(optimizer.state[b]["exp_avg"], optimizer.state[b]["exp_avg_sq"]) for b in bands]
    return (mean / weight).clamp(0, 1), Moments(pairs, moments.steps + descent.iterations)


def _by_lbfgs(
    bands: list[Tensor], base: Tensor, evaluate: Evaluate, descent: Descent, on_iteration: OnIteration
) -> Tensor:
    """Liu and Nocedal 1989, with a line search by the strong Wolfe conditions; the best picture it came by."""
    optimizer = torch.optim.LBFGS(
        bands,
        lr=1.0,
        max_iter=descent.iterations,
        max_eval=2 * descent.iterations,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        history_size=HISTORY,
        line_search_fn="strong_wolfe",
    )
    best, lowest, done = base, float("inf"), 0

    def closure() -> Tensor:
        nonlocal best, lowest, done
        if done == descent.iterations:
            raise _Spent
        on_iteration(done, best)
        optimizer.zero_grad()
        picture, total = evaluate(done)
        done += 1
        if float(total) < lowest:
            best, lowest = picture, float(total)
        return total

    with contextlib.suppress(_Spent):
        optimizer.step(closure)
    return best.clamp(0, 1)


def _carry(optimizer: torch.optim.Adam, bands: Sequence[Tensor], moments: Moments) -> None:
    """Begin with `moments` of half the size: each band with those of the band that had its frequencies."""
    if not moments.pairs:
        return
    for n, band in enumerate(bands):
        first, second = (
            F.interpolate(m, band.shape[2:], mode="bilinear", align_corners=False)
            for m in moments.pairs[min(max(n - 1, 0), len(moments.pairs) - 1)]
        )
        optimizer.state[band] = {
            "step": torch.tensor(float(moments.steps)),
            "exp_avg": first.mean(1, keepdim=True).expand_as(band).clone() if _differ(first, band) else first,
            "exp_avg_sq": second.mean(1, keepdim=True).expand_as(band).clone() if _differ(second, band) else second,
        }


def _differ(a: Tensor, b: Tensor) -> bool:
    return a.shape[1] != b.shape[1]


def _shapes(picture: Tensor, bands: int) -> list[tuple[int, ...]]:
    """Of the bands of a pyramid, fine to coarse, none of them empty; the finest of several is grey."""
    h, w = picture.shape[2:]
    count = max(1, min(bands, min(h, w).bit_length()))
    return [(1, 1 if n == 0 < count - 1 else 3, max(1, h >> n), max(1, w >> n)) for n in range(count)]


def collapsed(bands: Sequence[Tensor], shape: Sequence[int]) -> Tensor:
    """The picture (1, 3, h, w) of `shape` from bands (1, c, h / 2ⁿ, w / 2ⁿ), fine to coarse, c = 1 for grey."""
    picture = bands[-1]
    for finer in bands[-2::-1]:
        picture = finer + F.interpolate(picture, finer.shape[2:], mode="bilinear", align_corners=False)
    return picture.expand(*shape)

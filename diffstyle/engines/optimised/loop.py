"""The one optimisation loop: a picture, a loss, an optimiser, coarse to fine.

After crowsonkb's style-transfer-pytorch: every size begins with the picture of the last one and with the moments of its
optimiser, and the result of Adam is the mean of its last iterates. What is optimised are the bands of a Laplacian
pyramid that is added to the picture, so that coarse and fine detail move at once (Kolkin et al. 2019); the finest is
grey, since features of a large stride leave coloured grain there. With one band it is the pixels themselves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.optimised.settings import Optimizer
from diffstyle.ops.pyramid import collapsed

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


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A descent after `done` iterations at one size, as tensors by name: enough to go on to the same last bit."""

    done: int
    tensors: Mapping[str, Tensor]


Keep = Callable[[Callable[[], Snapshot]], None]
"""Called before every iteration of Adam with what makes the snapshot."""


class _Spent(Exception):
    """All evaluations are spent."""


def optimise(
    start: Tensor,
    loss: Loss,
    descent: Descent,
    on_iteration: OnIteration,
    moments: Moments | None = None,
    *,
    resumed: Snapshot | None = None,
    keep: Keep | None = None,
) -> tuple[Tensor, Moments]:
    """The picture (1, 3, h, w) that is reached from `start`, clamped to [0, 1], and the moments to go on with.

    Equal input gives equal pictures on the same machine. `on_iteration` is called before every evaluation. Adam goes
    on from `resumed`, and gives `keep` what it needs for that.
    """
    with torch.inference_mode(False), torch.enable_grad():
        base = start.clone()
        bands = [torch.zeros(shape, device=base.device, requires_grad=True) for shape in _shapes(base, descent.bands)]

        def evaluate(n: int) -> tuple[Tensor, Tensor]:
            picture = base + collapsed(bands)
            total = loss(picture, n) + OUTSIDE * (picture - picture.clamp(0, 1)).square().mean()
            torch.autograd.backward([total])
            return picture.detach(), total.detach()

        if descent.optimizer == "lbfgs":
            return _by_lbfgs(bands, base, evaluate, descent, on_iteration), Moments()
        adam = _Adam(bands, base, descent, moments or Moments())
        if resumed is not None:
            adam.load(resumed)
        return adam.run(evaluate, on_iteration, keep)


Evaluate = Callable[[int], tuple[Tensor, Tensor]]


class _Adam:
    """Kingma and Ba 2015, with the mean of iterates of Polyak and Juditsky 1992."""

    def __init__(self, bands: list[Tensor], base: Tensor, descent: Descent, moments: Moments) -> None:
        self.bands, self.base, self.descent, self.begun = bands, base, descent, moments.steps
        self.optimizer = torch.optim.Adam(bands, descent.rate, betas=BETAS)
        self.mean, self.weight, self.done = torch.zeros_like(base), 0.0, 0
        if moments.pairs:
            self._set_moments(_carried(moments.pairs, bands))

    def run(self, evaluate: Evaluate, on_iteration: OnIteration, keep: Keep | None) -> tuple[Tensor, Moments]:
        total, shown = self.descent.iterations, self._picture()
        for n in range(self.done, total):
            on_iteration(n, shown)
            if keep is not None:
                keep(self.snapshot)
            for group in self.optimizer.param_groups:
                group["lr"] = self.descent.rate * self.descent.decay ** (n / total)
            self.optimizer.zero_grad()
            evaluate(n)
            self.optimizer.step()
            shown = self._picture()
            self.mean.mul_(AVERAGED).add_(shown, alpha=1 - AVERAGED)
            self.weight = AVERAGED * self.weight + 1 - AVERAGED
            self.done = n + 1
        return (self.mean / self.weight).clamp(0, 1), Moments(self._moments(), self.begun + total)

    def snapshot(self) -> Snapshot:
        found = {"base": self.base, "mean": self.mean, "weight": torch.tensor(self.weight, dtype=torch.float64)}
        found |= {f"band{n}": band.detach() for n, band in enumerate(self.bands)}
        for n, (first, second) in enumerate(self._moments() if self.optimizer.state else []):
            found |= {f"first{n}": first, f"second{n}": second}
        found["begun"] = torch.tensor(self.begun)
        return Snapshot(self.done, found)

    def load(self, snapshot: Snapshot) -> None:
        found = snapshot.tensors
        self.done, self.begun, self.weight = snapshot.done, int(found["begun"]), float(found["weight"])
        with torch.no_grad():
            for name, tensor in (("base", self.base), ("mean", self.mean)):
                tensor.copy_(found[name])
            for n, band in enumerate(self.bands):
                band.copy_(found[f"band{n}"])
        if "first0" in found:
            device = self.base.device
            pairs = [(found[f"first{n}"].to(device), found[f"second{n}"].to(device)) for n in range(len(self.bands))]
            self._set_moments(pairs)

    def _set_moments(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> None:
        for band, (first, second) in zip(self.bands, pairs, strict=True):
            step = torch.tensor(float(self.begun + self.done))
            self.optimizer.state[band] = {"step": step, "exp_avg": first, "exp_avg_sq": second}

    def _moments(self) -> list[tuple[Tensor, Tensor]]:
        state = self.optimizer.state
        return [(state[band]["exp_avg"], state[band]["exp_avg_sq"]) for band in self.bands]

    @torch.no_grad()
    def _picture(self) -> Tensor:
        return self.base + collapsed(self.bands)


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


def _carried(pairs: Sequence[tuple[Tensor, Tensor]], bands: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Moments of half the size for `bands`: each has those of the band that had its frequencies."""
    before = [pairs[min(max(n - 1, 0), len(pairs) - 1)] for n in range(len(bands))]
    return [(_enlarged(a, band), _enlarged(b, band)) for (a, b), band in zip(before, bands, strict=True)]


def _enlarged(moment: Tensor, band: Tensor) -> Tensor:
    """A moment at the size of a band; where one is grey and the other is not, the mean of its channels."""
    large = F.interpolate(moment, band.shape[2:], mode="bilinear", align_corners=False)
    return large if large.shape == band.shape else large.mean(1, keepdim=True).expand_as(band).clone()


def _shapes(picture: Tensor, bands: int) -> list[tuple[int, ...]]:
    """Of the bands of a pyramid, fine to coarse, none of them empty; the finest of several is grey."""
    h, w = picture.shape[2:]
    count = max(1, min(bands, min(h, w).bit_length()))
    return [(1, 1 if n == 0 < count - 1 else 3, max(1, h >> n), max(1, w >> n)) for n in range(count)]

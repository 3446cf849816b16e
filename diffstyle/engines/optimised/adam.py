"""Adam, whose moments go on from one size to the next."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from diffstyle.engines.optimised.descent import Descent, Evaluate, Keep, Moments, OnIteration, Snapshot
from diffstyle.ops.pyramid import collapsed

BETAS = (0.9, 0.99)
AVERAGED = 0.9  # weight of all iterates before in the mean of Adam's


class Adam:
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
        found = snapshot.on(self.base.device)
        self.done, self.begun, self.weight = snapshot.done, int(found["begun"]), float(found["weight"])
        with torch.no_grad():
            for name, tensor in (("base", self.base), ("mean", self.mean)):
                tensor.copy_(found[name])
            for n, band in enumerate(self.bands):
                band.copy_(found[f"band{n}"])
        if "first0" in found:
            self._set_moments([(found[f"first{n}"], found[f"second{n}"]) for n in range(len(self.bands))])

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


def _carried(pairs: Sequence[tuple[Tensor, Tensor]], bands: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """Moments of half the size for `bands`: each has those of the band that had its frequencies."""
    before = [pairs[min(max(n - 1, 0), len(pairs) - 1)] for n in range(len(bands))]
    return [(_enlarged(a, band), _enlarged(b, band)) for (a, b), band in zip(before, bands, strict=True)]


def _enlarged(moment: Tensor, band: Tensor) -> Tensor:
    """A moment at the size of a band; where one is grey and the other is not, the mean of its channels."""
    large = F.interpolate(moment, band.shape[2:], mode="bilinear", align_corners=False)
    return large if large.shape == band.shape else large.mean(1, keepdim=True).expand_as(band).clone()

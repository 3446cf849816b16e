"""L-BFGS (Liu and Nocedal 1989), with a line search by the strong Wolfe conditions.

It takes one step of torch's optimiser at a time, so that its state can be kept between two of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffstyle.engines.optimised.descent import Descent, Evaluate, Keep, OnIteration, Snapshot

HISTORY = 10  # steps that are remembered
_LISTS = ("old_dirs", "old_stps", "ro")  # of the optimiser's state: an entry for each of these steps
_VECTORS = ("d", "prev_flat_grad")
_NUMBERS = ("t", "H_diag", "prev_loss")  # a tensor or a Python number each; only the latter are float64 in a snapshot
_COUNTS = ("func_evals", "n_iter")


class _Spent(Exception):
    """All evaluations are spent."""


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """Where the loss was evaluated, what it is there, and its gradients."""

    bands: Sequence[Tensor]
    total: Tensor
    gradients: Sequence[Tensor | None]


class Lbfgs:
    """The result is the best picture it came by."""

    def __init__(self, bands: list[Tensor], base: Tensor, descent: Descent) -> None:
        self.bands, self.base, self.descent = bands, base, descent
        self.optimizer = torch.optim.LBFGS(
            bands,
            lr=1.0,
            max_iter=1,
            max_eval=2 * descent.iterations,
            tolerance_grad=0.0,
            tolerance_change=0.0,
            history_size=HISTORY,
            line_search_fn="strong_wolfe",
        )
        self.best, self.lowest, self.done = base, float("inf"), 0
        self._tried: list[_Point] = []  # the best point of a line search, and its last one

    def run(self, evaluate: Evaluate, on_iteration: OnIteration, keep: Keep | None) -> Tensor:
        """The picture, clamped to [0, 1]."""

        def closure() -> Tensor:
            """The loss, where the line search wants it."""
            if self.done == self.descent.iterations:
                raise _Spent
            on_iteration(self.done, self.best)
            picture, point = self._evaluated(evaluate)
            self.done += 1
            self._tried = [*sorted(self._tried, key=lambda p: float(p.total))[:1], point]
            if float(point.total) < self.lowest:
                self.best, self.lowest = picture, float(point.total)
            return point.total

        def first() -> Tensor:
            """The loss where a step begins: known from the line search before it."""
            if self.done == 0:
                return closure()
            point = next((p for p in self._tried if all(map(torch.equal, p.bands, self.bands))), None)
            if point is None:
                point = self._evaluated(evaluate)[1]
            self._tried = []
            for band, gradient in zip(self.bands, point.gradients, strict=True):
                band.grad = gradient
            return point.total

        with contextlib.suppress(_Spent):
            while self.done < self.descent.iterations:
                if keep is not None and self.done:
                    keep(self.snapshot)
                before = self.done
                self._step(first, closure)
                if self.done == before or not self._has_moved():
                    break
        return self.best.clamp(0, 1)

    def _step(self, first: Callable[[], Tensor], others: Callable[[], Tensor]) -> None:
        """One line search; the optimiser asks for the loss `first` where it begins."""
        calls = iter((first,))
        self.optimizer.step(lambda: next(calls, others)())

    def snapshot(self) -> Snapshot:
        state = self._state
        found = {"base": self.base, "best": self.best.clone(), "lowest": _number(self.lowest)}
        found |= {f"band{n}": band.detach() for n, band in enumerate(self.bands)}
        found |= {f"{name}{n}": item for name in _LISTS for n, item in enumerate(state[name])}
        found |= {name: state[name] for name in _VECTORS}
        found |= {name: _number(state[name]) for name in _NUMBERS}
        found |= {name: torch.tensor(state[name]) for name in _COUNTS}
        return Snapshot(self.done, found)

    def load(self, snapshot: Snapshot) -> None:
        found = snapshot.on(self.base.device)
        self.done, self.best, self.lowest = snapshot.done, found["best"], float(found["lowest"])
        with torch.no_grad():
            self.base.copy_(found["base"])
            for n, band in enumerate(self.bands):
                band.copy_(found[f"band{n}"])
        state = self._state
        for name in _LISTS:
            state[name] = [found[f"{name}{n}"] for n in range(HISTORY) if f"{name}{n}" in found]
        state |= {name: found[name] for name in _VECTORS}
        for name in _NUMBERS:
            state[name] = float(found[name]) if found[name].dtype == torch.float64 else found[name]
        state |= {name: int(found[name]) for name in _COUNTS}

    @property
    def _state(self) -> dict[str, Any]:
        """The optimiser's own: it has one for all bands, at the first."""
        return self.optimizer.state[self.bands[0]]

    def _evaluated(self, evaluate: Evaluate) -> tuple[Tensor, _Point]:
        """The picture where the bands are, and the loss there."""
        self.optimizer.zero_grad()
        picture, total = evaluate(self.done)
        bands = [band.detach().clone() for band in self.bands]
        return picture, _Point(bands, total, [band.grad for band in self.bands])

    def _has_moved(self) -> bool:
        """Whether the last step led anywhere: one that begins where the gradient is 0 does not."""
        state = self._state
        return "d" in state and bool(state["d"].mul(state["t"]).any())


def _number(value: Tensor | float) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(float(value), dtype=torch.float64)

"""A figure fitted to votes, and how often it would choose as people do whom it was not fitted to.

The chance that picture a is chosen over b is σ(wᵀ(x_a − x_b)), where x holds the figures of a picture in units of their
deviation: logistic regression of paired comparisons (Bradley & Terry 1952) with a ridge (Hoerl & Kennard 1970).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from diffstyle.evaluation.agreement import Picture, decided, share_of
from diffstyle.evaluation.statistics import Estimate
from diffstyle.evaluation.table import Table
from diffstyle.evaluation.votes import Vote

Array = npt.NDArray[np.float64]
RIDGE = 1.0  # of weights whose figures have a deviation of one
_STEPS = 50  # of Newton's method; it converges in fewer than ten


def fitted_agreement(
    votes: Sequence[Vote],
    table: Table,
    pictures: Mapping[str, Picture],
    *,
    leave_out: Literal["pair", "judge"] = "pair",
    seed: int = 0,
) -> Estimate:
    """The share of choices that a figure makes too that was fitted to the votes on all other pairs, or of all other
    judges; its interval (95 %) is as that of `agreements`. NaN where nothing is left to be fitted to.
    """
    chosen = decided(votes, pictures)
    apart = _differences(chosen, table, pictures)
    groups = np.array([pictures[v.a_sha256][1] if leave_out == "pair" else v.judge for v in chosen])
    right: dict[str, list[float]] = defaultdict(list)
    for group in dict.fromkeys(groups.tolist()):
        own = groups == group
        if own.all():
            continue
        scores = apart[own] @ weights_of(apart[~own])
        for vote, score in zip(np.array(chosen, object)[own], scores, strict=True):
            right[pictures[vote.a_sha256][1]].append(0.5 if score == 0 else float(score > 0))
    return share_of(list(right.values()), seed)


def weights_of(apart: Array, ridge: float = RIDGE) -> Array:
    """The weights (m,) under which differences `apart` (n, m), each of the chosen picture to the other, are likeliest,
    by Newton's method.
    """
    w = np.zeros(apart.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(apart @ w, -30, 30)))
        slope = apart.T @ (1 - p) - ridge * w
        curve = (apart * (p * (1 - p))[:, None]).T @ apart + ridge * np.eye(len(w))
        step = np.linalg.solve(curve, slope)
        w += step
        if np.abs(step).max() < 1e-9:
            break
    return w


def _differences(chosen: Sequence[Vote], table: Table, pictures: Mapping[str, Picture]) -> Array:
    """(votes, figures): the chosen picture's figures less the other's, over their deviation; 0 where one is NaN."""
    place = {name: n for n, name in enumerate(table.pairs)}
    names = [m.name for m in table.metrics if not m.embed and m.of != "cost"]
    scale = {name: _deviation([x for run in table.runs for x in table.values[run, name]]) for name in names}
    rows: list[list[float]] = []
    for vote in chosen:
        (run_a, pair), (run_b, _) = pictures[vote.a_sha256], pictures[vote.b_sha256]
        sign = 1 if vote.choice == "a" else -1
        both = [(table.values[run_a, n][place[pair]], table.values[run_b, n][place[pair]]) for n in names]
        rows.append([sign * (a - b) / scale[n] for n, (a, b) in zip(names, both, strict=True)])
    return np.nan_to_num(np.array(rows, np.float64).reshape(len(rows), len(names)))


def _deviation(values: Sequence[float]) -> float:
    """That of the values that are numbers; 1 where they do not differ."""
    known = [v for v in values if not math.isnan(v)]
    return float(np.std(known)) or 1.0 if known else 1.0

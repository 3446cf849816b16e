"""Measured values of each run, figure and pair, and their summaries."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diffstyle.evaluation.case import Case, View, open_view, view
from diffstyle.evaluation.metrics.registry import Metric
from diffstyle.evaluation.pairs import Pair, Run
from diffstyle.evaluation.statistics import Estimate, median
from diffstyle.formats.csv_file import write_rows

Key = tuple[str, str]  # a run, a figure


@dataclass(frozen=True, slots=True)
class Table:
    """`values` has one number for each pair by run and figure; `sets` the figures of whole sets."""

    runs: tuple[str, ...]
    pairs: tuple[str, ...]
    metrics: tuple[Metric, ...]
    values: Mapping[Key, Sequence[float]]
    sets: Mapping[Key, float]

    def summary(self, run: str, metric: Metric, *, seed: int = 0) -> Estimate:
        """The median over the pairs; the one value, without an interval, of a figure of the whole set."""
        if metric.embed:
            value = self.sets[run, metric.name]
            return Estimate(value, math.nan, math.nan)
        return median(self.values[run, metric.name], seed=seed)

    def difference(self, run: str, metric: Metric, *, seed: int = 0) -> Estimate:
        """The median over the pairs of the difference between the run and the first run."""
        first = self.values[self.runs[0], metric.name]
        apart = [a - b if a != b else 0.0 for a, b in zip(self.values[run, metric.name], first, strict=True)]
        return median(apart, seed=seed)


def measure(
    pairs: Sequence[Pair],
    runs: Sequence[Run],
    metrics: Sequence[Metric],
    *,
    side: int,
    on_pair: Callable[[int, int, str], None] | None = None,
) -> Table:
    """Every figure of every run's picture of every pair, compared at a longest side of `side` pixels.

    Features of a photo or a style are computed once for all runs. InputError for pictures that cannot be read.
    """
    values: dict[Key, list[float]] = {(r.name, m.name): [] for r in runs for m in metrics if not m.embed}
    embedded: dict[Key, list[Any]] = {(r.name, m.name): [] for r in runs for m in metrics if m.embed}
    styles: dict[Path, View] = {}
    for n, pair in enumerate(pairs):
        if on_pair is not None:
            on_pair(n, len(pairs), pair.name)
        photo = open_view(pair.photo, side=side, square=pair.square)
        if pair.style not in styles:
            styles = {
                pair.style: open_view(pair.style, side=side, square=pair.square)
            }  # the last one alone: features are large
        for run in runs:
            case = opened(pair, run, photo=photo, style=styles[pair.style])
            for metric in metrics:
                (embedded if metric.embed else values)[run.name, metric.name].append(metric.of_case(case))
    by_name = {m.name: m for m in metrics}
    sets = {key: by_name[key[1]].of_set(found) for key, found in embedded.items()}
    names = tuple(p.name for p in pairs)
    return Table(tuple(r.name for r in runs), names, tuple(metrics), values, sets)


def opened(pair: Pair, run: Run, *, photo: View, style: View) -> Case:
    """The run's picture of a pair, brought to the size of `photo`."""
    from diffstyle.core.picture import Picture

    picture = Picture.open(run.pictures[pair.name])
    height, width = photo.pixels.shape[1:]
    seconds, memory = run.costs.get(pair.name, (None, None))
    return Case(
        name=pair.name,
        photo=photo,
        style=style,
        out=view(picture, (width, height)),
        pixels=picture.width * picture.height,
        seconds=seconds,
        memory=memory,
    )


def write_values(path: Path, table: Table) -> None:
    """A line for each run and pair, a column for each figure that pictures have."""
    metrics = [m for m in table.metrics if not m.embed]
    rows: list[list[object]] = [["run", "pair", *(m.name for m in metrics)]]
    for run in table.runs:
        for n, pair in enumerate(table.pairs):
            rows.append([run, pair, *(table.values[run, m.name][n] for m in metrics)])
    write_rows(path, rows)


def write_summary(path: Path, table: Table, *, seed: int = 0) -> None:
    """A line for each run and figure: median, 95 % interval, and the difference to the first run."""
    rows: list[list[object]] = [
        ["run", "figure", "better", "pairs", "median", "low", "high", "difference", "difference_low", "difference_high"]
    ]
    for run in table.runs:
        for metric in table.metrics:
            found = table.summary(run, metric, seed=seed)
            apart = None if metric.embed else table.difference(run, metric, seed=seed)
            cells = [v for e in (found, apart) for v in ((e.value, e.low, e.high) if e else (math.nan,) * 3)]
            rows.append([run, metric.name, "higher" if metric.higher else "lower", len(table.pairs), *cells])
    write_rows(path, rows)

"""Content against style: every result as a point, every run's medians, and the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from textwrap import fill
from typing import Any

from diffstyle.evaluation.metrics.extra import extra
from diffstyle.evaluation.metrics.registry import Metric
from diffstyle.evaluation.table import Table

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")  # Okabe & Ito 2008
PREFERRED = ("lpips", "lpips-squeeze", "content-lite", "csd", "style-lite")  # as axes
_WIDE, _HIGH, _LABEL = 7.2, 4.6, 40  # inches, characters


def axes_of(metrics: Sequence[Metric]) -> tuple[Metric, Metric] | None:
    """A figure of content and one of style that pictures have, perceptual ones first; None if one is missing."""

    def first(of: str) -> Metric | None:
        found = [m for m in metrics if m.of == of and not m.embed]
        return min(found, key=lambda m: (*PREFERRED, m.name).index(m.name), default=None)

    content, style = first("content"), first("style")
    return (content, style) if content is not None and style is not None else None


def pareto_front(points: Sequence[tuple[float, float]], *, higher: tuple[bool, bool]) -> list[int]:
    """The indices of the points that no other one beats in both coordinates, in the order of the first coordinate.

    `higher` says for each coordinate whether more is better. Points with NaN are on no front.
    """
    sign = [1 if up else -1 for up in higher]
    kept = [(n, x * sign[0], y * sign[1]) for n, (x, y) in enumerate(points) if not math.isnan(x + y)]

    def beaten(n: int, x: float, y: float) -> bool:
        return any(m != n and u >= x and v >= y and (u > x or v > y) for m, u, v in kept)

    return sorted((n for n, x, y in kept if not beaten(n, x, y)), key=lambda n: points[n][0])


def scatter(table: Table, content: Metric, style: Metric) -> bytes:
    """A PNG: style figure across, content figure up, better results towards the upper right."""
    figure_module: Any = extra("matplotlib.figure")
    agg: Any = extra("matplotlib.backends.backend_agg")
    figure = figure_module.Figure(figsize=(_WIDE, _HIGH), dpi=110, layout="constrained")
    agg.FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    middles: list[tuple[float, float]] = []
    for n, run in enumerate(table.runs):
        x, y = (_finite(table.values[run, m.name]) for m in (style, content))
        colour = COLOURS[n % len(COLOURS)]
        axes.scatter(x, y, s=26, alpha=0.5, color=colour, linewidths=0)
        middle = table.summary(run, style).value, table.summary(run, content).value
        axes.scatter(*([v] for v in middle), s=110, color=colour, edgecolors="white", label=run, zorder=3)
        middles.append(middle)
    front = [middles[n] for n in pareto_front(middles, higher=(style.higher, content.higher))]
    if len(front) > 1:
        axes.plot(
            *zip(*front, strict=True), color="#666666", linestyle="--", linewidth=1, zorder=2, label="Pareto front"
        )
    for metric, axis, invert in (
        (style, axes.set_xlabel, axes.invert_xaxis),
        (content, axes.set_ylabel, axes.invert_yaxis),
    ):
        axis(f"{metric.name} {metric.arrow}\n{fill(metric.about, _LABEL)}")
        if not metric.higher:
            invert()
    axes.grid(visible=True, alpha=0.25)
    axes.legend(frameon=False, fontsize=9)
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _finite(values: Sequence[float]) -> list[float]:
    return [v if math.isfinite(v) else math.nan for v in values]

"""The report of measured runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from diffstyle._version import __version__
from diffstyle.core.errors import InputError
from diffstyle.evaluation.html import data_url, escape, notes_html, pictures_row, table_html, thumbnail, write_page
from diffstyle.evaluation.metrics.registry import Metric
from diffstyle.evaluation.pairs import Pair, Run
from diffstyle.evaluation.plots import axes_of, scatter
from diffstyle.evaluation.statistics import Estimate
from diffstyle.evaluation.table import Table, write_summary, write_values

PAGE, VALUES, SUMMARY = "report.html", "values.csv", "summary.csv"
CASES = 3  # best, and worst, of each run
SHOWN = 6  # runs side by side in a row of pictures
LESSON = (
    "Figures rank candidates and guard against regressions; they do not say which picture people prefer. A figure that "
    "a method was fitted to is no measure of that method. Look at the pictures, and ask people: diffstyle study make."
)


def write_report(
    folder: Path,
    table: Table,
    pairs: Sequence[Pair],
    runs: Sequence[Run],
    *,
    notes: Sequence[str] = (),
    side: int,
    seed: int = 0,
) -> Path:
    """Write the report into `folder`, which `report_folder` made, and return the path of report.html."""
    write_values(folder / VALUES, table)
    write_summary(folder / SUMMARY, table, seed=seed)
    notes = [*notes, LESSON]
    plot, axes = "", axes_of(table.metrics)
    if axes is not None:
        try:
            url = data_url(scatter(table, *axes), "image/png")
            plot = f'<h2>Content against style</h2><figure><img class="plot" src="{url}" alt="Scatter plot"></figure>'
        except InputError as error:
            notes = [*notes, f"The plot is left out. {error}"]
    said = (
        f"<p>{len(table.pairs)} pairs, compared at {side} pixels on the longest side. Medians over the pairs with 95 % "
        f"bootstrap intervals (seed {seed}); the arrow says which way is better. Values of each picture are in "
        f"<a href='{VALUES}'>{VALUES}</a>, all of this table in <a href='{SUMMARY}'>{SUMMARY}</a>. diffstyle "
        f"{escape(__version__)}.</p>"
    )
    body = said + notes_html(notes) + _summary(table, seed) + plot + _cases(table, pairs, runs, axes)
    path = folder / PAGE
    write_page(path, "Report", body)
    return path


def _summary(table: Table, seed: int) -> str:
    rows: list[list[str]] = []
    for metric in table.metrics:
        found = [table.summary(run, metric, seed=seed) for run in table.runs]
        if all(math.isnan(e.value) for e in found):
            continue
        best = (max if metric.higher else min)(e.value for e in found if not math.isnan(e.value))
        name = f"{escape(metric.name)} {metric.arrow}<br><small>{escape(metric.about)}</small>"
        cells = [_cell(e, marked=len(found) > 1 and e.value == best) for e in found]
        if not metric.embed:
            apart = [table.difference(run, metric, seed=seed) for run in table.runs[1:]]
            cells = [cells[0], *(c + _difference(d) for c, d in zip(cells[1:], apart, strict=True))]
        rows.append([name, *cells])
    said = (
        f"<p><small>Δ: the median over the pairs of the difference to {escape(table.runs[0])}, with its interval. "
        "● marks intervals that exclude 0; the other differences may be chance.</small></p>"
    )
    shown = table_html(["figure", *map(escape, table.runs)], rows)
    return "<h2>Figures</h2>" + shown + (said if len(table.runs) > 1 else "")


def _cell(found: Estimate, *, marked: bool) -> str:
    if math.isnan(found.value):
        return "–"
    value = f"<b>{found.value:.3f}</b>" if marked else f"{found.value:.3f}"
    return value if math.isnan(found.low) else f"{value}<br><small>{found.low:.3f} to {found.high:.3f}</small>"


def _difference(apart: Estimate) -> str:
    """A line below the cell of a run that is not the first."""
    if math.isnan(apart.value):
        return ""
    if math.isnan(apart.low):
        return f"<br><small>Δ {apart.value:+.3f}</small>"
    told = " ●" if apart.low > 0 or apart.high < 0 else ""
    return f"<br><small>Δ {apart.value:+.3f} ({apart.low:+.3f} to {apart.high:+.3f}){told}</small>"


def _cases(table: Table, pairs: Sequence[Pair], runs: Sequence[Run], axes: tuple[Metric, Metric] | None) -> str:
    """The best and the worst results of each run, by the mean of their ranks in both figures of the plot."""
    ranked = axes or tuple(m for m in table.metrics if not m.embed and m.of != "cost")[:1]
    if not ranked:
        return ""
    names = " and ".join(m.name for m in ranked)
    parts = [f"<h2>Best and worst cases by {escape(names)}</h2>"]
    for run in table.runs:
        order = _order(table, run, ranked)
        few = min(CASES, (len(order) + 1) // 2)
        for title, chosen in (("best", order[:few]), ("worst", order[::-1][: min(few, len(order) - few)])):
            for n in chosen:
                figures = ", ".join(f"{m.name} {table.values[run, m.name][n]:.3f}" for m in ranked)
                parts.append(f"<p><b>{escape(run)}</b>, {title}: {escape(pairs[n].name)}, {escape(figures)}</p>")
                parts.append(_pictures(pairs[n], run, runs))
    return "".join(parts)


def _order(table: Table, run: str, metrics: Sequence[Metric]) -> list[int]:
    """The pairs from best to worst by the mean of their ranks, NaN last."""
    ranks = [0.0] * len(table.pairs)
    for metric in metrics:
        values = table.values[run, metric.name]
        worst = -math.inf if metric.higher else math.inf
        plain = [worst if math.isnan(v) else v for v in values]
        for rank, n in enumerate(sorted(range(len(plain)), key=lambda n: plain[n], reverse=metric.higher)):
            ranks[n] += rank
    return sorted(range(len(ranks)), key=lambda n: ranks[n])


def _pictures(pair: Pair, run: str, runs: Sequence[Run]) -> str:
    first = [r for r in runs if r.name == run]
    shown = [*first, *(r for r in runs if r.name != run)][:SHOWN]
    results = [(r.name, thumbnail(r.pictures[pair.name])) for r in shown]
    given = [(n, thumbnail(f, square=pair.square)) for n, f in (("photo", pair.photo), ("style", pair.style))]
    return pictures_row([*given, *results])

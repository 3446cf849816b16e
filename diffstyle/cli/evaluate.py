"""`diffstyle evaluate`"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from diffstyle.cli.options import check_range
from diffstyle.cli.progress import Progress, say
from diffstyle.core.errors import InputError
from diffstyle.core.fields import fields_of
from diffstyle.core.model_options import ModelOptions
from diffstyle.core.settings import MAX_SEED, EngineSettings
from diffstyle.engines.registry import engine_from, engine_names, settings_class

if TYPE_CHECKING:
    from diffstyle.evaluation.metrics.registry import Metric
    from diffstyle.evaluation.pairs import Pair, Run

STARTER = ModelOptions()
PROTOCOL = (20, 40)  # contents and styles of StyleID's evaluation
_SMALLEST, _LARGEST = 64, 2048
_SETTING = re.compile(r"(?P<engine>[\w-]+)\.(?P<setting>[\w-]+)=(?P<value>.*)")


def evaluate(
    places: Annotated[list[Path], Parameter(name="OUT", negative=(), json_list=False)] = [],  # noqa: B006 - cyclopts
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    pairs: Path | None = None,
    content: Path | None = None,
    style: Path | None = None,
    engines: str = "",
    changed: Annotated[list[str], Parameter(name="--set", negative=(), json_list=False)] = [],  # noqa: B006 - cyclopts
    protocol: Literal["styleid"] | None = None,
    data: Path | None = None,
    metrics: str = "",
    size: int = 512,
    seed: int = 0,
    download: Annotated[bool, Parameter(negative=())] = False,
    options: Annotated[ModelOptions, Parameter(name="*", negative=())] = STARTER,
) -> int:
    """Measure stylised pictures: diffstyle evaluate OUT --pairs pairs.csv -o report/

    Parameters
    ----------
    places
        Folders of results by any method, NAME.png for each pair; several are compared side by side.
    out
        The folder that report.html, values.csv and summary.csv are written to.
    pairs
        A CSV file with the columns name,photo,style. Without it, every photo of --content is paired with every style of
        --style, and results are called CONTENT_stylized_STYLE.png.
    content
        The folder of the photos; paths in --pairs are relative to it.
    style
        The folder of the style pictures, likewise.
    engines
        Paint the pairs with these engines too, such as adain,nnst. Pictures go to renders/ENGINE in the report's
        folder; an interrupted run continues where it stopped.
    changed
        A setting of one of these engines that is not its default, as nnst.scales=3; repeat it for others. `diffstyle
        stylize --engine NAME --help` lists them.
    protocol
        styleid: all pairs of the 20 contents and 40 styles that StyleID's repository publishes, the central square of
        each, at 512 pixels.
    data
        The folder of that protocol, with the folders cnt and sty.
    metrics
        Names such as ssim,lpips,csd, or all; those that need no download if not given.
    size
        Longest side in pixels at which pictures are painted and compared.
    seed
        Of the renders, and of the bootstrap.
    download
        Download the weights that the metrics need if they are missing.
    """
    check_range("size", size, _SMALLEST, _LARGEST)
    check_range("seed", seed, 0, MAX_SEED)
    if protocol is not None and (data is None or pairs is not None or content is not None or style is not None):
        raise InputError(
            "--protocol styleid takes its pairs from --data DIR alone, with the folders cnt and sty in it."
        )
    painters = _changed(_engines(engines), changed)
    if not places and not painters:
        raise InputError("Name a folder of results, or engines that paint them: --engines adain,nnst.")
    from diffstyle.evaluation.html import report_folder
    from diffstyle.evaluation.metrics import registry
    from diffstyle.evaluation.pairs import COSTS, shared
    from diffstyle.evaluation.render import render_pairs
    from diffstyle.evaluation.report import PAGE, SUMMARY, VALUES, write_report
    from diffstyle.evaluation.table import measure

    figures = registry.chosen(registry.names_in(metrics) or registry.DEFAULT)
    if download:
        registry.download(figures)
    figures, notes = _available(figures)
    if protocol is not None and data is not None:
        content, style = data / "cnt", data / "sty"
    asked = _pairs(pairs, content, style, square=protocol is not None)
    if protocol is not None:
        notes += _protocol_notes(asked, size)
    runs = named_runs(places)
    shared(asked, runs)  # refuses folders without results before anything is painted
    inputs = [*([] if pairs is None else [pairs]), *(place / COSTS for place in places)]
    report_folder(out, (PAGE, VALUES, SUMMARY), inputs)
    for painter in painters:
        progress = Progress("picture")
        say(f"painting {len(asked)} pairs with {painter.name}")
        try:
            runs.append(
                render_pairs(
                    asked,
                    out / "renders" / painter.name,
                    engine=painter,
                    size=size,
                    options=options,
                    seed=seed,
                    on_pair=progress.update,
                )
            )
        finally:
            progress.close()
    runs = _named(runs)
    kept, lacking = shared(asked, runs)
    for note in [*notes, *lacking]:
        say(note)
    progress = Progress("pair")
    try:
        table = measure(kept, runs, figures, side=size, on_pair=progress.update)
    finally:
        progress.close()
    path = write_report(out, table, kept, runs, notes=[*notes, *lacking], side=size, seed=seed)
    _print(table.runs, figures, [[table.summary(run, m, seed=seed).text() for run in table.runs] for m in figures])
    print(path)
    return 0


def _engines(text: str) -> list[str]:
    names = list(dict.fromkeys(n.strip() for n in text.split(",") if n.strip()))
    for name in names:
        if name not in engine_names():
            raise InputError(f"There is no engine called {name!r}: give some of {', '.join(engine_names())}.")
        if settings_class(name).capabilities.needs_words:
            raise InputError(f"{name} paints styles in words, and pairs have style pictures: leave it out.")
    return names


def _changed(names: Sequence[str], texts: Sequence[str]) -> list[EngineSettings]:
    """The settings of these engines: the defaults, but for texts such as "nnst.scales=3"; values are JSON or words."""
    values: dict[str, dict[str, Any]] = {name: {} for name in names}
    for text in texts:
        found = _SETTING.fullmatch(text.strip())
        if found is None:
            raise InputError(f"Cannot read --set {text}: write it as {names[0] if names else 'ENGINE'}.SETTING=VALUE.")
        if found["engine"] not in values:
            raise InputError(f"--set {text} is for an engine that does not paint here: add it to --engines.")
        engine, setting = found["engine"], found["setting"].replace("-", "_")
        texts_of = {info.name for info in fields_of(settings_class(engine)) if info.kind is str and not info.several}
        values[engine][setting] = found["value"] if setting in texts_of else _value(found["value"])
    return [engine_from(name, changes) for name, changes in values.items()]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _available(figures: Sequence[Metric]) -> tuple[list[Metric], list[str]]:
    """The figures that can be computed here, and a sentence on each of the others."""
    kept: list[Metric] = []
    notes: list[str] = []
    for figure in figures:
        try:
            figure.available()
            kept.append(figure)
        except InputError as error:
            notes.append(f"{figure.name} is left out. {error}")
    if not kept:
        raise InputError(" ".join(notes))
    return kept, notes


def _pairs(path: Path | None, content: Path | None, style: Path | None, *, square: bool) -> list[Pair]:
    from diffstyle.evaluation.pairs import crossed, read_pairs

    if path is not None:
        return read_pairs(path, content=content, style=style)
    if content is None or style is None:
        raise InputError("Say what was painted: --pairs pairs.csv, or the folders --content and --style.")
    return crossed(content, style, square=square)


def _protocol_notes(pairs: Sequence[Pair], size: int) -> list[str]:
    found = len({p.photo for p in pairs}), len({p.style for p in pairs})
    if found == PROTOCOL and size == 512:
        return []
    return [
        f"StyleID's protocol has {PROTOCOL[0]} contents and {PROTOCOL[1]} styles at 512 pixels, this run {found[0]} "
        f"and {found[1]} at {size}: its figures do not compare with published ones."
    ]


def named_runs(places: Sequence[Path]) -> list[Run]:
    """The runs in these folders, with names of their own: a folder that has the name of another is numbered."""
    from diffstyle.evaluation.pairs import Run

    return _named([Run.of(place) for place in places])


def _named(runs: Sequence[Run]) -> list[Run]:
    from dataclasses import replace

    seen: set[str] = set()
    found: list[Run] = []
    for run in runs:
        name = next(n for n in (run.name, *(f"{run.name}-{k}" for k in range(2, len(runs) + 2))) if n not in seen)
        seen.add(name)
        found.append(replace(run, name=name))
    return found


def _print(runs: Sequence[str], figures: Sequence[Metric], cells: Sequence[Sequence[str]]) -> None:
    """A table on standard output."""
    rows = [["", *runs], *([f"{m.name} {m.arrow}", *row] for m, row in zip(figures, cells, strict=True))]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    line: Callable[[Sequence[str]], str] = lambda row: "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True))  # noqa: E731
    print("\n".join(line(row).rstrip() for row in rows))

"""The report of a study."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diffstyle.evaluation.html import escape, notes_html, pictures_row, table_html, thumbnail, write_page
from diffstyle.evaluation.statistics import LEAST, Estimate
from diffstyle.evaluation.study.study import PICTURES, Key, Study
from diffstyle.evaluation.study.tally import SAME, Answer, Sorted, Tally, disputed, tally
from diffstyle.evaluation.votes import write_votes
from diffstyle.formats.atomic import write_atomic
from diffstyle.formats.csv_file import write_rows

PAGE, SUMMARY = "report.html", "report.json"
COMPARISONS, VOTES = "comparisons.csv", "votes.csv"  # counts of each pair, and answers with runs for pictures
DISPUTED = 8  # pictures of pairs on which judges disagree


def write_study_report(
    folder: Path, study_folder: Path, study: Study, key: Key, found: Sorted, *, seed: int = 0
) -> Path:
    """Write the report into `folder`, which `report_folder` made, and return the path of report.html."""
    tallies = [tally(name, found.answers, key.runs, seed=seed) for name in study.questions]
    tallies = [t for t in tallies if t.answers]
    write_votes(folder / VOTES, found.votes)
    _write_comparisons(folder / COMPARISONS, found.answers)
    summary = _summary(found, tallies)
    write_atomic(folder / SUMMARY, lambda file: file.write(json.dumps(summary, indent=1).encode()))
    judges = f"{len(found.judges)} judge{'' if len(found.judges) == 1 else 's'}"
    body = f"<p>{len(found.answers)} answers of {judges}.</p>" + notes_html(notes_of(found))
    body += "".join(_section(t, study, key, study_folder) for t in tallies)
    path = folder / PAGE
    write_page(path, "Study", body)
    return path


def notes_of(found: Sorted) -> list[str]:
    """What was left out of the results, one sentence each."""
    notes: list[str] = []
    for judge in found.left_out:
        notes.append(f"The answers of {judge} are left out: {found.missed[judge]} attention checks missed.")
    if found.unmatched:
        notes.append(f"{found.unmatched} answers are not to questions of this study and are ignored.")
    if not found.answers:
        notes.append("No answer is left.")
    return notes


def _summary(found: Sorted, tallies: Sequence[Tally]) -> dict[str, Any]:
    return {
        "judges": list(found.judges),
        "left_out": {judge: found.missed[judge] for judge in found.left_out},
        "unmatched": found.unmatched,
        "questions": {
            t.question: {
                "answers": len(t.answers),
                "krippendorff_alpha": _number(t.alpha),
                "virtual_wins": t.padded,
                "bradley_terry": {run: _numbers(score) for run, score in t.scores.items()},
                "duels": [
                    {"runs": d.runs, "wins": d.wins, "same": d.same, "share_of_first": _numbers(d.share)}
                    for d in t.duels
                ],
            }
            for t in tallies
        },
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _numbers(found: Estimate) -> list[float | None]:
    return [_number(v) for v in (found.value, found.low, found.high)]


def _section(t: Tally, study: Study, key: Key, study_folder: Path) -> str:
    duels = [
        [
            f"{escape(d.runs[0])} against {escape(d.runs[1])}",
            *(str(n) for n in (d.wins[0], d.wins[1], d.same)),
            "–"
            if math.isnan(d.share.value)
            else f"{d.share.value:.0%}<br><small>{d.share.low:.0%} to {d.share.high:.0%}</small>",
        ]
        for d in t.duels
    ]
    parts = [
        f"<h2>{escape(study.questions[t.question])}</h2><p>{len(t.answers)} answers. {_agreement(t)}</p>",
        table_html(["", "first won", "second won", "same", "share of the first"], duels),
        "<p><small>A tie counts as half a win for both. 95 % Wilson intervals treat answers as "
        "independent: they are too narrow where many judges answered the same few questions.</small></p>",
    ]
    if len(key.runs) > 2:
        order = sorted(t.scores, key=lambda run: (math.isnan(t.scores[run].value), -t.scores[run].value))
        rows = [[escape(run), t.scores[run].text(2)] for run in order]
        said = (
            f"Bradley–Terry log strengths with a mean of 0; intervals by bootstrap over pairs, from {LEAST} pairs on."
        )
        if t.padded:
            said += " Half a virtual win is added in both directions, because some runs won or lost all comparisons."
        if any(math.isnan(score.value) for score in t.scores.values()):
            said += " Runs that were not compared with these, directly or through others, have no score."
        parts.append(table_html(["run", "score"], rows) + f"<p><small>{said}</small></p>")
    parts.append(_disputed(t, study, key, study_folder))
    parts.append("<h3>Every pair</h3>" + _pairs_table(t.answers))
    return "".join(parts)


def _agreement(t: Tally) -> str:
    if math.isnan(t.alpha):
        return "No two judges answered the same question: their agreement is unknown."
    return f"Krippendorff's alpha is {t.alpha:.2f}: 1 if judges always agree, 0 if as often as by chance."


def _disputed(t: Tally, study: Study, key: Key, study_folder: Path) -> str:
    split = disputed(t.answers)[:DISPUTED]
    if not split:
        return ""
    shown = {(s.run, s.pair): name for name, s in key.pictures.items()}
    given = {item.pair: (item.photo, item.style) for item in study.items}
    parts = ["<h3>Where judges disagree</h3>"]
    for pair, runs, counts in split:
        names = [("photo", given[pair][0]), ("style", given[pair][1])]
        names += [(f"{run}: {counts.get(run, 0)}", shown[run, pair]) for run in runs]
        parts.append(f"<p>{escape(pair)}, same: {counts.get(SAME, 0)}</p>")
        parts.append(pictures_row([(c, thumbnail(study_folder / PICTURES / f"{name}.jpg")) for c, name in names]))
    return "".join(parts)


def _counts(answers: Sequence[Answer]) -> Mapping[tuple[str, tuple[str, str]], Counter[str]]:
    counts: dict[tuple[str, tuple[str, str]], Counter[str]] = defaultdict(Counter)
    for answer in answers:
        counts[answer.pair, answer.runs][answer.won] += 1
    return counts


def _pairs_table(answers: Sequence[Answer]) -> str:
    rows = [
        [escape(pair), f"{escape(runs[0])} {n[runs[0]]}", f"{escape(runs[1])} {n[runs[1]]}", str(n[SAME])]
        for (pair, runs), n in sorted(_counts(answers).items())
    ]
    return table_html(["pair", "first", "second", "same"], rows)


def _write_comparisons(path: Path, answers: Sequence[Answer]) -> None:
    rows: list[list[object]] = [["question", "pair", "first", "second", "first_won", "second_won", "same"]]
    for question in dict.fromkeys(a.question for a in answers):
        for (pair, runs), n in sorted(_counts([a for a in answers if a.question == question]).items()):
            rows.append([question, pair, *runs, n[runs[0]], n[runs[1]], n[SAME]])
    write_rows(path, rows)

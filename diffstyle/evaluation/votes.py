"""Choices between two pictures, one line of a CSV file each: the web page's votes and the answers of studies."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timezone
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import Any

from diffstyle.core.errors import InputError, explain
from diffstyle.formats.csv_file import csv_text, unescaped, write_rows

CHOICES = ("a", "b", "same")
_OLD = {"visitor": "judge"}  # how version 0.2 of the page named a column
_CROWD = {"WorkerId": "judge", "SubmitTime": "when"}  # Amazon Mechanical Turk's results
_CROWD_INPUT, _CROWD_ANSWER = "Input.", "Answer."
_lock = Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One answer: which of two pictures, `a` or `b`, or "same".

    `pair` names the photo and style that both were painted from, "" if they differ or nobody knows. `a` and `b` are
    labels, `a_sha256` and `b_sha256` the digests of the files. `judge` is any name that tells judges apart, `when` an
    ISO 8601 time.
    """

    when: str = ""
    judge: str
    pair: str
    question: str = ""
    choice: str
    a: str
    a_sha256: str = ""
    b: str
    b_sha256: str = ""

    def __post_init__(self) -> None:
        if self.choice not in CHOICES:
            raise InputError(f"The choice is {self.choice!r}: give one of {', '.join(CHOICES)}.")
        if not self.judge:
            raise InputError("It names no judge: give every judge a name, as WorkerId or judge.")


COLUMNS = tuple(field.name for field in fields(Vote))


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def append_votes(path: Path, votes: Iterable[Vote]) -> None:
    """Add lines to a CSV file, which is made if needed. One that an older version wrote is brought up to date first.

    Raises InputError for a file that cannot be written, or that holds something else.
    """
    try:
        with _lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            new = not path.exists() or not path.stat().st_size
            if not new and _header(path) != COLUMNS:
                write_votes(path, read_votes([path]))
            with path.open("a", newline="", encoding="utf-8") as file:
                file.write(csv_text([*([COLUMNS] if new else []), *map(_row, votes)]))
    except OSError as error:
        raise explain(error, f"write {path.name}") from error


def write_votes(path: Path, votes: Iterable[Vote]) -> None:
    """Write a CSV file of votes, whole or not at all."""
    write_rows(path, [COLUMNS, *map(_row, votes)])


def read_votes(paths: Sequence[Path]) -> list[Vote]:
    """The votes of several files, in order: CSV of this module, of older pages and of Amazon Mechanical Turk, or JSON
    that a study page saved. InputError for files that hold none.
    """
    votes: list[Vote] = []
    for path in paths:
        try:
            text = path.read_text("utf-8-sig")
        except OSError as error:
            raise explain(error, f"read {path}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"Cannot read {path}: it is not text in UTF-8.") from error
        rows = _json_rows(text, path) if text.lstrip().startswith(("[", "{")) else _csv_rows(text, path)
        for n, row in enumerate(rows):
            try:
                votes.append(Vote(**{name: row.get(name, "") for name in COLUMNS}))
            except InputError as error:
                raise InputError(f"Cannot read answer {n + 1} of {path}. {error}") from error
    return votes


def _json_rows(text: str, path: Path) -> list[dict[str, str]]:
    import json

    try:
        found: Any = json.loads(text)
        answers: list[dict[str, Any]] = found["answers"] if text.lstrip().startswith("{") else found
        return [{str(k): str(v) for k, v in row.items()} for row in answers]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"Cannot read {path}: it is not what a study page saves.") from error


def _csv_rows(text: str, path: Path) -> list[dict[str, str]]:
    found = csv.DictReader(StringIO(text))
    try:
        rows = [_picked({_name(k): unescaped(v or "") for k, v in row.items() if k}) for row in found]
    except csv.Error as error:
        raise InputError(f"Cannot read {path}: it is not a CSV file.") from error
    if not {"judge", "choice", "a", "b"} <= {_name(k).partition(".")[0] for k in found.fieldnames or ()}:
        raise InputError(f"Cannot read {path}: votes have the columns {', '.join(COLUMNS)}.")
    return rows


def _name(column: str) -> str:
    column = _CROWD.get(column, column).removeprefix(_CROWD_INPUT).removeprefix(_CROWD_ANSWER)
    return _OLD.get(column, column)


def _picked(row: dict[str, str]) -> dict[str, str]:
    """With the choice of a crowd platform that has a column for each: choice.a, choice.same, choice.b."""
    found = [choice for choice in CHOICES if row.get(f"choice.{choice}", "").lower() == "true"]
    return row | {"choice": found[0]} if "choice" not in row and found else row


def _header(path: Path) -> tuple[str, ...]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return tuple(next(csv.reader(file), ()))


def _row(vote: Vote) -> list[str]:
    return [str(getattr(vote, name)) for name in COLUMNS]

"""Blind votes: two results in random order, and a line in a CSV file for each answer."""

from __future__ import annotations

import csv
import random
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock

from diffstyle import InputError
from diffstyle.core.errors import explain
from diffstyle.formats.atomic import sha256
from diffstyle_ui.app.histories import SavedResult
from diffstyle_ui.app.sessions import Session

CHOICES = ("a", "b", "same")
COLUMNS = ("when", "visitor", "choice", "a", "a_sha256", "b", "b_sha256")
_lock = Lock()


def random_pair(session: Session) -> tuple[SavedResult, SavedResult]:
    """Two different results of the session in random order; InputError if it has fewer than two."""
    if len(session.results) < 2:
        raise InputError("A vote needs two results: render at least two pictures first.")
    a, b = random.sample(session.results, 2)
    return a, b


def log_vote(path: Path, session: Session, pair: tuple[SavedResult, SavedResult], choice: str) -> None:
    """Append a line to the CSV file at `path`: time, a random name of the page, the choice, label and sha256 of both.

    Raises InputError for an unknown choice, and for a file that cannot be written.
    """
    if choice not in CHOICES:
        raise InputError(f"The choice is {choice!r}: give one of {', '.join(CHOICES)}.")
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    cells = [
        cell
        for result in pair
        for cell in (_escape_formula(result.label), sha256(result.file) if result.file.exists() else "")
    ]
    try:
        with _lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            new = not path.exists()
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerows([COLUMNS] if new else [])
                writer.writerow([now, session.folder.name[:8], choice, *cells])
    except OSError as error:
        raise explain(error, f"write {path.name}") from error


def _escape_formula(text: str) -> str:
    """Spreadsheets evaluate a cell that begins like a formula; a leading quote prevents that."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text

"""Blind votes: two pictures without names, and a line in a CSV for each answer."""

from __future__ import annotations

import csv
import random
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock

from diffstyle import InputError
from diffstyle.core.errors import explain
from diffstyle.formats.atomic import sha256
from diffstyle_ui.app.sessions import Kept, Session

CHOICES = ("a", "b", "same")
COLUMNS = ("when", "visitor", "choice", "a", "a_sha256", "b", "b_sha256")
_lock = Lock()


def drawn(session: Session) -> tuple[Kept, Kept]:
    """Two different results in random order."""
    if len(session.kept) < 2:
        raise InputError("A vote needs two results: render at least two pictures first.")
    a, b = random.sample(session.kept, 2)
    return a, b


def logged(path: Path, session: Session, pair: tuple[Kept, Kept], choice: str) -> None:
    """Add a line to the CSV at `path`; what is in a line is what the results say of themselves, and no more."""
    if choice not in CHOICES:
        raise InputError(f"The choice is {choice!r}: give one of {', '.join(CHOICES)}.")
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    known = [text for kept in pair for text in (_harmless(kept.label), sha256(kept.file) if kept.file.exists() else "")]
    try:
        with _lock:
            path.parent.mkdir(parents=True, exist_ok=True)
            new = not path.exists()
            with path.open("a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerows([COLUMNS] if new else [])
                writer.writerow([now, session.folder.name[:8], choice, *known])
    except OSError as error:
        raise explain(error, f"write {path.name}") from error


def _harmless(text: str) -> str:
    """Spreadsheets take a cell that begins like a formula for one."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text

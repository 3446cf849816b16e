"""Blind votes: two results in random order, and a line in a CSV file for each answer."""

from __future__ import annotations

import random
from pathlib import Path

from diffstyle import InputError
from diffstyle.evaluation.votes import Vote, append_votes, now
from diffstyle.formats.atomic import sha256
from diffstyle_ui.app.histories import SavedResult
from diffstyle_ui.app.sessions import Session

QUESTION = "keep"
_PAIR_LETTERS = 16


def random_pair(session: Session) -> tuple[SavedResult, SavedResult]:
    """Two different results of the session in random order; InputError if it has fewer than two."""
    if len(session.results) < 2:
        raise InputError("A vote needs two results: render at least two pictures first.")
    a, b = random.sample(session.results, 2)
    return a, b


def log_vote(path: Path, session: Session, pair: tuple[SavedResult, SavedResult], choice: str) -> None:
    """Append a `Vote` to the CSV file at `path`: a random name of the page is its judge, the photo, if both results
    have the same one, its pair, and labels and sha256 of the results are its pictures.

    Raises InputError for an unknown choice, and for a file that cannot be written.
    """
    a, b = pair
    same_photo = a.content and a.content == b.content
    vote = Vote(
        when=now(),
        judge=session.folder.name[:8],
        pair=a.content[:_PAIR_LETTERS] if same_photo else "",
        question=QUESTION,
        choice=choice,
        a=a.label,
        a_sha256=_digest(a),
        b=b.label,
        b_sha256=_digest(b),
    )
    append_votes(path, [vote])


def _digest(result: SavedResult) -> str:
    return sha256(result.file) if result.file.exists() else ""

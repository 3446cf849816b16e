"""Finished pictures: kept for the session with the recipe inside, until the page is closed."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from diffstyle import Result
from diffstyle_ui.app.sessions import Kept, Session
from diffstyle_ui.widgets.html import THUMBNAIL, data_url

MAX_KEPT = 60
MAX_HANDED = 64


def keep(session: Session, result: Result) -> Kept:
    """Save `result` in the session's folder; the oldest makes room when there are too many."""
    task = result.task
    stem = re.sub(r"[^\w-]+", "-", f"{Path(task.content.source).stem}-{task.style.label}")[:60].strip("-")
    session.made += 1
    file = result.save(session.folder / f"{stem}-{session.made}.png")
    width, height = result.picture.size
    label = f"{task.style.label[:60]} · {task.engine}, strength {task.strength:g}, seed {task.seed} · {width}×{height}"
    kept = Kept(file, data_url(result.picture, longest=2 * THUMBNAIL), label)
    session.kept = (*session.kept, kept)
    while len(session.kept) > MAX_KEPT:
        session.kept[0].file.unlink(missing_ok=True)
        session.kept = session.kept[1:]
    return kept


def hand_out(session: Session, result: Result) -> Path:
    """Save `result` for a program to fetch; only the last few files of this kind stay."""
    file = result.save(session.folder / f"preview-{secrets.token_hex(8)}.png")
    session.handed = (*session.handed, file)
    for old in session.handed[:-MAX_HANDED]:
        old.unlink(missing_ok=True)
    session.handed = session.handed[-MAX_HANDED:]
    return file

"""Renders as the page shows them: a stream of updates, and results saved in the session with the recipe inside."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from diffstyle import Cancelled, Result, Task
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.sessions import Photo, SavedResult, Session
from diffstyle_ui.widgets.comparison import pair
from diffstyle_ui.widgets.html import THUMBNAIL, data_url, progress, status

MAX_SHOWN_SIDE = 1600
MAX_RESULTS = 60
MAX_PREVIEWS = 64


@dataclass(frozen=True, slots=True)
class RenderUpdate:
    """What to show during a render: HTML for the frame (None: unchanged) and for the status line.

    The last update of a render has its `result` and where it is `saved`; or the `error` to raise after the buttons are
    enabled again; or, if it was cancelled, none of them.
    """

    frame: str | None
    status: str
    result: Result | None = None
    saved: SavedResult | None = None
    error: Exception | None = None


def render_updates(
    context: AppContext, session: Session, photo: Photo, task: Callable[[], Task], *, depth: int = 8
) -> Iterator[RenderUpdate]:
    """Render `task()` and save the result with `depth` bits per channel in `session`, which can cancel it."""
    last = RenderUpdate(None, "")
    yield RenderUpdate(None, progress(0, 0, what="Preparing"))
    with session.rendering() as cancel:
        try:
            for step in context.renderer.render(task(), cancel):
                url = None if step.picture is None else data_url(step.picture, longest=MAX_SHOWN_SIDE)
                if isinstance(step, Result):
                    saved = save_result(session, step, depth=depth)
                    line = f"Rendered in {sum(step.seconds.values()):.1f} s: {saved.label}."
                    frame = pair(photo.url, str(url), description=saved.label)
                    last = RenderUpdate(frame, status(line), step, saved)
                else:
                    frame = url and pair(photo.url, url, description="The unfinished picture")
                    yield RenderUpdate(frame, progress(step.done, step.total))
        except Cancelled:
            last = RenderUpdate(None, status("Cancelled: nothing was saved."))
        except Exception as error:  # raised by the caller, after it has enabled the buttons again
            last = RenderUpdate(None, "", error=error)
    yield last


def save_result(session: Session, result: Result, *, depth: int = 8) -> SavedResult:
    """Save `result` in the session's folder, with `depth` bits per channel; the oldest beyond `MAX_RESULTS` go."""
    task = result.task
    stem = re.sub(r"[^\w-]+", "-", f"{Path(task.content.source).stem}-{task.style.label}")[:60].strip("-")
    session.result_count += 1
    file = result.save(session.folder / f"{stem}-{session.result_count}.png", depth=depth)
    width, height = result.picture.size
    seed = f", seed {task.seed}" if task.engine.capabilities.seeded else ""
    label = f"{task.style.label[:60]} · {task.engine.name}, strength {task.strength:g}{seed} · {width}×{height}"
    saved = SavedResult(file, data_url(result.picture, longest=2 * THUMBNAIL), label)
    session.results = (*session.results, saved)
    while len(session.results) > MAX_RESULTS:
        session.results[0].file.unlink(missing_ok=True)
        session.results = session.results[1:]
    return saved


def save_preview(session: Session, result: Result) -> Path:
    """Save `result` for an API client to fetch, and delete the oldest such file beyond `MAX_PREVIEWS`."""
    file = result.save(session.folder / f"preview-{secrets.token_hex(8)}.png")
    session.previews = (*session.previews, file)
    for old in session.previews[:-MAX_PREVIEWS]:
        old.unlink(missing_ok=True)
    session.previews = session.previews[-MAX_PREVIEWS:]
    return file

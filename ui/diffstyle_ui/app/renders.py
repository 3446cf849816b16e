"""Renders as the page shows them: a stream of updates, and results saved in the session with the recipe inside."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.parse import quote

from diffstyle import Cancelled, Result, Task
from diffstyle.serving.progress import Progress
from diffstyle_ui.app.context import AppContext
from diffstyle_ui.app.histories import SavedResult
from diffstyle_ui.app.links import link_of
from diffstyle_ui.app.parts import style_title
from diffstyle_ui.app.sessions import Photo, Session
from diffstyle_ui.widgets.comparison import pair
from diffstyle_ui.widgets.html import THUMBNAIL, data_url, progress, status
from diffstyle_ui.widgets.settings_form import EVERYTHING, ONLY
from diffstyle_ui.widgets.versions import versions_html

MAX_SHOWN_SIDE = 1600
MAX_PREVIEWS = 64


@dataclass(frozen=True, slots=True)
class RenderUpdate:
    """What to show during a render: HTML for the frame (None: unchanged) and for the status line; and the data URL of
    the picture in that frame, for tabs with a frame of their own.

    The last update of a render says where its result is `saved`, and has all its `files`; or it has the `error` to
    raise after the buttons are enabled again; or, if it was cancelled, none of them.
    """

    frame: str | None
    status: str
    saved: SavedResult | None = None
    files: tuple[Path, ...] = ()
    error: Exception | None = None
    picture: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """What is kept of a result: small, so that large pictures stay behind the gate."""

    saved: SavedResult
    files: tuple[Path, ...]
    frame: str
    seconds: float
    picture: str


def render_updates(
    context: AppContext,
    session: Session,
    photo: Photo,
    task: Callable[[], Task],
    cancel: Event,
    *,
    depth: int = 8,
    more: Callable[[Result], list[Path]] | None = None,
) -> Iterator[RenderUpdate]:
    """Render `task()` and save the result with `depth` bits per channel in `session`, until `cancel` is set.

    `more` saves further files of a result.
    """
    last = RenderUpdate(None, "")
    yield RenderUpdate(None, progress(0, 0, what="Preparing"))
    try:
        for step in render_files(context, session, task, cancel, depth=depth, more=more, photo=photo):
            if isinstance(step, Finished):
                line = f"Rendered in {step.seconds:.1f} s: {step.saved.label}."
                last = RenderUpdate(step.frame, status(line), step.saved, step.files, picture=step.picture)
            else:
                url = None if step.picture is None else data_url(step.picture, longest=MAX_SHOWN_SIDE)
                frame = url and pair(photo.url, url, description="The unfinished picture", badge="Painting …")
                yield RenderUpdate(frame, progress(step.done, step.total), picture=url)
    except Cancelled:
        last = RenderUpdate(None, status("Cancelled: nothing was saved."))
    except Exception as error:  # raised by the caller, after it has enabled the buttons again
        last = RenderUpdate(None, "", error=error)
    yield last


def render_files(
    context: AppContext,
    session: Session,
    task: Callable[[], Task],
    cancel: Event,
    *,
    depth: int = 8,
    more: Callable[[Result], list[Path]] | None = None,
    photo: Photo | None = None,
) -> Iterator[Progress | Finished]:
    """The steps of a render, then what is kept of it. Raises Cancelled with nothing saved, and InputError."""

    def finish(result: Result) -> Finished:
        saved = save_result(context, session, result, depth=depth, cancel=cancel, photo=photo)
        url = data_url(result.picture, longest=MAX_SHOWN_SIDE) if photo is not None else ""
        made = result.recipe(depth=depth)
        link = link_of(context, session.parts, made, saved.only)
        frame = "" if photo is None else final_frame(photo, saved, url, link=link)
        files = (saved.file, *(more(result) if more is not None else ()))
        return Finished(saved, files, frame, sum(result.seconds.values()), url)

    yield from context.renderer.render(task, cancel, finish)


def final_frame(photo: Photo, saved: SavedResult, url: str, *, before: str = "", link: str = "") -> str:
    """The frame with a finished picture, shown as the data URL `url`, whose file is downloaded and shared. `before` is
    shown in place of the `photo`: the picture itself, where its photo is not here any more. `link` is the query of a
    link to its style.
    """
    names = ("Result", "Result") if before == url else ("Photo", "Result")
    return pair(
        before or photo.url,
        url,
        description=saved.label,
        names=names,
        badge="Final",
        file=f"gradio_api/file={quote(str(saved.file))}",
        filename=saved.file.name,
        link=link,
    )


def strip_of(session: Session) -> str:
    """The strip with everything that was finished."""
    return versions_html([(result.number, result.thumbnail, result.label) for result in session.results])


def save_result(
    context: AppContext, session: Session, result: Result, *, depth: int, cancel: Event, photo: Photo | None = None
) -> SavedResult:
    """Save `result` in the session's history, with `depth` bits per channel, and the `photo` it was painted from; the
    oldest beyond its limits go.

    Raises Cancelled, with nothing saved, if `cancel` is set meanwhile.
    """
    task = result.task
    stem = re.sub(r"[^\w-]+", "-", f"{Path(task.content.source).stem}-{task.style.label}")[:60].strip("-")
    history = session.history
    file = result.save(history.next_file(stem), depth=depth)
    number, size = history.count, file.stat().st_size
    width, height = result.picture.size
    seed = f", seed {task.seed}" if task.engine.capabilities.seeded and task.seed else ""
    title = style_title(context, task.style)[:60]
    only = task.mask.source if task.mask is not None and task.mask.source in ONLY else EVERYTHING
    part = f", {ONLY[only].lower()} only" if only != EVERYTHING else ""
    label = f"{title}{part} · {task.engine.title}, strength {task.strength:g}{seed} · {width}×{height}"
    kept = None if photo is None or photo in context.examples else history.keep_photo(photo.path)
    small, content = data_url(result.picture, longest=2 * THUMBNAIL), task.content.digest()
    saved = SavedResult(file, small, label, number, size, only, kept, content)
    if cancel.is_set():
        context.sessions.histories.discard(history, file)
        raise Cancelled
    context.sessions.histories.add(history, saved)
    return saved


def save_preview(session: Session, result: Result) -> Path:
    """Save `result` for an API client to fetch, and delete the oldest such file beyond `MAX_PREVIEWS`."""
    file = result.save(session.folder / f"preview-{secrets.token_hex(8)}.png")
    session.previews = (*session.previews, file)
    for old in session.previews[:-MAX_PREVIEWS]:
        old.unlink(missing_ok=True)
    session.previews = session.previews[-MAX_PREVIEWS:]
    return file

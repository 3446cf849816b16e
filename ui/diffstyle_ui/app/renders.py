"""A render as a page watches it: steps with the picture so far, then the result, a cancellation or an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from diffstyle import Cancelled, Result, Task
from diffstyle_ui.app.context import Desk
from diffstyle_ui.app.results import keep
from diffstyle_ui.app.sessions import Kept, Photo, Session
from diffstyle_ui.app.status import progress, said
from diffstyle_ui.widgets.comparison import pair
from diffstyle_ui.widgets.html import data_url

SHOWN_SIDE = 1600


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to see: HTML for the frame (None: as it is) and for the status line. The last one holds the
    `result`, and where it is `kept`, if there is one; or the `failure` to raise once the buttons are back.
    """

    picture: str | None
    status: str
    result: Result | None = None
    kept: Kept | None = None
    failure: Exception | None = None


def watched(desk: Desk, session: Session, photo: Photo, task: Callable[[], Task]) -> Iterator[Look]:
    """Render `task` for the page of `session`, which may cancel it; what is finished is kept."""
    last = Look(None, "")
    yield Look(None, progress(0, 0, what="Getting ready"))
    with session.rendering() as cancel:
        try:
            for step in desk.studio.render(task(), cancel):
                url = None if step.picture is None else data_url(step.picture, longest=SHOWN_SIDE)
                if isinstance(step, Result):
                    kept = keep(session, step)
                    line = f"Rendered in {sum(step.seconds.values()):.1f} s: {kept.label}."
                    last = Look(pair(photo.shown, str(url), what=kept.label), said(line), step, kept)
                else:
                    so_far = url and pair(photo.shown, url, what="The picture so far")
                    yield Look(so_far, progress(step.done, step.total))
        except Cancelled:
            last = Look(None, said("Cancelled: nothing was kept."))
        except Exception as error:  # the page gets its buttons back before it hears of it
            last = Look(None, "", failure=error)
    yield last

"""How the page's events reach their handlers: previews, renders, small changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

import gradio as gr
from gradio.blocks import BlockContext
from gradio.components import Component
from gradio.events import Dependency

Kind = Literal["change", "preview", "drag", "render", "train", "now"]
Mode = Literal["once", "multiple", "always_last"]
_MODES: dict[Kind, Mode] = {"preview": "always_last", "drag": "multiple", "change": "multiple"}
Widget: TypeAlias = Component | BlockContext
_LIMITS: dict[Kind, int] = {"preview": 1, "drag": 1, "render": 1, "train": 1, "change": 8, "now": 8}


class _Manner(TypedDict):
    api_name: str
    api_visibility: Literal["private"]
    preprocess: bool
    queue: bool
    show_progress: Literal["minimal", "hidden"]
    trigger_mode: Mode
    concurrency_limit: int
    concurrency_id: str


def listen(
    triggers: Sequence[Any],
    handler: Callable[..., Any],
    inputs: Sequence[Widget],
    outputs: Sequence[Widget],
    *,
    kind: Kind = "change",
) -> Dependency:
    """Call `handler` on any of `triggers`.

    A preview that a page asks for while one is under way replaces those that wait: older requests are dropped, not
    queued. A control of our own that is `dragged` sees to that itself. Renders of all pages wait in one line, and the
    page shows the place in it. What comes as `now` waits for nothing. Uploads reach the handler as paths, unread:
    `uploads.opened` judges them.
    """
    return gr.on(list(triggers), handler, list(inputs), list(outputs), **_manner(handler, kind))


def listen_after(
    event: Dependency,
    handler: Callable[..., Any],
    inputs: Sequence[Widget],
    outputs: Sequence[Widget],
    *,
    kind: Kind = "change",
) -> Dependency:
    """As `listen`, when the handler of `event` has come to a good end."""
    return event.success(handler, list(inputs), list(outputs), **_manner(handler, kind))


def _manner(handler: Callable[..., Any], kind: Kind) -> _Manner:
    return {
        "api_name": f"page-{handler.__name__}",  # the plain names are those of the API
        "api_visibility": "private",
        "preprocess": False,
        "queue": kind != "now",
        "show_progress": "minimal" if kind in ("render", "train") else "hidden",
        "trigger_mode": _MODES.get(kind, "once"),
        "concurrency_limit": _LIMITS[kind],
        "concurrency_id": "preview" if kind == "drag" else kind,
    }

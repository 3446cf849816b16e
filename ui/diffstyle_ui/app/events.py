"""How events of the page are bound to handlers: queues, concurrency limits, and what happens to repeated events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, TypedDict

import gradio as gr
from gradio.blocks import BlockContext
from gradio.components import Component
from gradio.events import Dependency

Kind = Literal["change", "preview", "draft", "drag", "tiles", "render", "sketch", "train", "immediate"]
TriggerMode = Literal["once", "multiple", "always_last"]
Widget: TypeAlias = Component | BlockContext
Update: TypeAlias = dict[str, Any]
ENABLED: Update = gr.update(interactive=True)
DISABLED: Update = gr.update(interactive=False)
UNCHANGED: Update = gr.update()

_TRIGGER_MODES: dict[Kind, TriggerMode] = {
    "preview": "always_last",
    "draft": "always_last",
    "drag": "multiple",
    "tiles": "multiple",
    "change": "multiple",
    "sketch": "multiple",
}
_SHARED: dict[Kind, str] = {"drag": "preview", "sketch": "render"}  # kinds that wait in the queue of another one
_SEEN: tuple[Kind, ...] = ("preview", "draft", "drag", "render", "train")  # their outputs are marked while they work
_PARALLEL: tuple[Kind, ...] = ("change", "immediate")  # up to eight at a time; of the others one


class _Options(TypedDict):
    api_name: str
    api_visibility: Literal["private"]
    preprocess: bool
    queue: bool
    show_progress: Literal["minimal", "hidden"]
    trigger_mode: TriggerMode
    concurrency_limit: int
    concurrency_id: str
    show_progress_on: list[Component] | None


def bind(
    triggers: Sequence[Any],
    handler: Callable[..., Any],
    inputs: Sequence[Widget],
    outputs: Sequence[Widget],
    *,
    kind: Kind = "change",
    busy: Sequence[Component] = (),
) -> Dependency:
    """Call `handler` on any of `triggers`. Until it is done, `busy`, or else the outputs of what paints, have the class
    "pending", from the moment of the trigger on.

    preview
        Of the requests of one page only the last one waits; older ones are dropped. All previews share one queue.
    draft
        As preview, in a queue of its own.
    drag
        As preview, for a `drag_control`, which drops older requests itself.
    tiles
        For the wall, which asks for a few tiles at a time: in a queue of its own.
    render, train
        One at a time for all pages; the page shows the position in the queue.
    sketch
        Small renders, which wait in the queue of renders; a later request of a page waits beside an earlier one.
    change
        Quick updates, several at a time.
    immediate
        Not queued: for cancelling.

    Uploads reach the handler as paths that are not decoded: `uploads.open_picture` checks them.
    """
    return gr.on(list(triggers), handler, list(inputs), list(outputs), **_options(handler, kind, busy))


def bind_after(
    event: Dependency,
    handler: Callable[..., Any],
    inputs: Sequence[Widget],
    outputs: Sequence[Widget],
    *,
    kind: Kind = "change",
    failed: bool = False,
) -> Dependency:
    """As `bind`, when the handler of `event` has succeeded; or `failed`, its request being refused or withdrawn too."""
    after = event.failure if failed else event.success
    return after(handler, list(inputs), list(outputs), **_options(handler, kind))


def _options(handler: Callable[..., Any], kind: Kind, busy: Sequence[Component] = ()) -> _Options:
    return {
        "api_name": f"page-{handler.__name__}",  # names without a prefix belong to the API
        "api_visibility": "private",
        "preprocess": False,
        "queue": kind != "immediate",
        "show_progress": "minimal" if busy or kind in _SEEN else "hidden",
        "trigger_mode": _TRIGGER_MODES.get(kind, "once"),
        "concurrency_limit": 8 if kind in _PARALLEL else 1,
        "concurrency_id": _SHARED.get(kind, kind),
        "show_progress_on": list(busy) or None,
    }

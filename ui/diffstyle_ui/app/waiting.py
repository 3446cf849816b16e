"""The requests that wait in Gradio's queue: whose they are, how many a visitor may have there, and taking them out."""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr
from gradio.server_messages import LogMessage, ProcessCompletedMessage

from diffstyle_ui.app.arrival import sender
from diffstyle_ui.app.user_errors import CANCELLED

SMALLEST_SHARE = 4
SENTENCES = {"render": CANCELLED, "train": "The training was cancelled before it began."}


class Waiting:
    """Of the `size` requests that may wait, a visitor may have a quarter, and all visitors at one address a half."""

    def __init__(self, size: int) -> None:
        self.share, self.address_share = max(SMALLEST_SHARE, size // 4), max(SMALLEST_SHARE, size // 2)
        self._queue: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, blocks: gr.Blocks) -> None:
        """Look at the queue of `blocks` from now on."""
        self._queue = getattr(blocks, "_queue")  # noqa: B009 - not public

    def full(self, owner: str, address: str) -> bool:
        """Whether `owner`, a visitor at `address`, has as many requests waiting as one may have; for the server's own
        thread.
        """
        self._loop = asyncio.get_running_loop()
        senders = [sender(event.request) for queue in self._queues() for event in queue.queue]
        alone = sum(found == owner for found, _ in senders)
        return alone >= self.share or sum(at == address for _, at in senders) >= self.address_share

    def place(self, request: gr.Request, queue: str) -> int | None:
        """How many requests come before the one that the page which sent `request` has in `queue`, those that run
        included; None if it has none there.
        """
        for found in [q for q in self._queues() if q.concurrency_id == queue]:
            pages = [event.session_hash for event in list(found.queue)]
            if request.session_hash in pages:
                return pages.index(request.session_hash) + int(found.current_concurrency)
        return None

    def withdraw(self, request: gr.Request, queue: str) -> None:
        """Answer what the page that sent `request` has waiting in `queue`: it is cancelled."""
        http: Any = getattr(request, "request", None)
        if self._loop is not None and self._loop.is_running() and request.session_hash:
            self._loop.call_soon_threadsafe(self._withdraw, queue, request.session_hash, sender(http)[0])

    def _withdraw(self, name: str, page: str, owner: str) -> None:
        for queue in [q for q in self._queues() if q.concurrency_id == name]:
            for event in [e for e in queue.queue if e.session_hash == page and sender(e.request)[0] == owner]:
                queue.queue.remove(event)
                self._queue.event_ids_to_events.pop(event._id, None)
                log = LogMessage(log=SENTENCES[name], level="info", title="Cancelled", duration=12, visible=True)
                self._queue.send_message(event, log)  # what is not a success is shown as an error, unless it is hidden
                said = {"error": SENTENCES[name], "visible": False}
                self._queue.send_message(event, ProcessCompletedMessage(output=said, success=False))

    def _queues(self) -> list[Any]:
        return [] if self._queue is None else list(self._queue.event_queue_per_concurrency_id.values())

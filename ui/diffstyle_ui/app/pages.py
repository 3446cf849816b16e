"""Which page, and which request in the queue, belongs to whom: Gradio itself knows them by their names alone."""

from __future__ import annotations

from collections import OrderedDict

MAX_NOTED = 20_000


class Pages:
    """The owner of each page and of each request that was put in the queue; the oldest beyond `MAX_NOTED` go.

    The name of a page, Gradio's session hash, belongs to whoever uses it first. The names of requests are made by the
    server.
    """

    def __init__(self) -> None:
        self._pages: OrderedDict[str, str] = OrderedDict()
        self._requests: OrderedDict[str, str] = OrderedDict()

    def claim(self, page: str, owner: str) -> bool:
        """Whether `page` is that of `owner`, as it is from now on if nobody had it."""
        found = self._pages.setdefault(page, owner)
        self._pages.move_to_end(page)
        _shorten(self._pages)
        return found == owner

    def note_request(self, name: str, owner: str) -> None:
        """Note that `owner` put the request `name` in the queue."""
        self._requests[name] = owner
        _shorten(self._requests)

    def owns_request(self, name: str, owner: str) -> bool:
        """Whether `owner` put the request `name` in the queue."""
        return self._requests.get(name) == owner


def _shorten(notes: OrderedDict[str, str]) -> None:
    while len(notes) > MAX_NOTED:
        notes.popitem(last=False)

"""A bounded queue that is fair to its users: the next turn is for whoever had theirs longest ago (round robin)."""

from __future__ import annotations

from asyncio import CancelledError, Future, get_running_loop
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from itertools import count


class Full(Exception):
    """There is no room for another request; `own` says whether its sender alone has too many."""

    def __init__(self, *, own: bool) -> None:
        super().__init__("the queue is full")
        self.own = own


class Closed(Exception):
    """The queue gives no more turns."""


class FairQueue:
    """Gives turns, one at a time. For the thread of one event loop.

    At most `size` requests wait while one runs, and one user has at most `share` that wait or run.
    """

    def __init__(self, *, size: int, share: int) -> None:
        self.size, self.share = size, share
        self.running = False
        self._present: dict[str, int] = {}  # requests by user
        self._total = 0
        self._waiting: dict[str, deque[Future[None]]] = {}
        self._last: dict[str, int] = {}  # the number of each user's last turn
        self._numbers = count(1)
        self._closed = False

    @property
    def depth(self) -> int:
        """How many requests wait, or read their bodies before they do; also for other threads."""
        return self._total - self.running

    @property
    def idle(self) -> bool:
        """Whether no request is here."""
        return not self._present

    def enter(self, user: str, *, always: bool = False) -> Ticket:
        """A place among those who wait, before a turn is asked for. Raises Full, unless it is `always` given."""
        mine = self._present.get(user, 0)
        if not always and (mine >= self.share or self._total > self.size):
            raise Full(own=mine >= self.share)
        self._present[user] = mine + 1
        self._total += 1
        return Ticket(self, user)

    def close(self) -> None:
        """Give no more turns: whoever waits gets Closed. The turn that runs goes on."""
        self._closed = True
        for waiters in self._waiting.values():
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_exception(Closed())
        self._waiting.clear()

    def leave(self, user: str) -> None:
        """Give up a place; called by the ticket."""
        self._present[user] -= 1
        self._total -= 1
        if not self._present[user]:
            del self._present[user]

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncGenerator[None, None]:
        """Wait for a turn, and hold it; called by the ticket."""
        await self._begin(user)
        try:
            yield
        finally:
            self._next()

    async def _begin(self, user: str) -> None:
        if self._closed:
            raise Closed
        if not self.running:
            self._give(user)
            return
        waiter: Future[None] = get_running_loop().create_future()
        self._waiting.setdefault(user, deque()).append(waiter)
        try:
            await waiter
        except CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._next()  # the turn came with the cancellation
            raise

    def _next(self) -> None:
        self.running = False
        while self._waiting:
            user = min(self._waiting, key=lambda user: self._last.get(user, 0))
            waiter = self._waiting[user].popleft()
            if not self._waiting[user]:
                del self._waiting[user]
            if not waiter.done():
                self._give(user)
                waiter.set_result(None)
                return

    def _give(self, user: str) -> None:
        self.running, self._last[user] = True, next(self._numbers)


class Ticket:
    """A place in a queue, which `leave` gives up; it may take several turns."""

    def __init__(self, queue: FairQueue, user: str) -> None:
        self.user = user
        self._queue = queue
        self._leave: Callable[[str], None] | None = queue.leave

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None, None]:
        """Wait for a turn, and hold it. Raises Closed if the queue closes meanwhile."""
        async with self._queue.turn(self.user):
            yield

    def leave(self) -> None:
        """Give up the place, once."""
        if self._leave is not None:
            leave, self._leave = self._leave, None
            leave(self.user)

"""Slowing down whoever guesses a password, without slowing down whoever knows it."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable

FIRST_SECONDS, LONGEST_SECONDS, FORGIVEN_SECONDS = 0.5, 8.0, 900.0
AT_ONCE, ALL_AT_ONCE = 4, 16  # attempts of one network, and of all, that are checked or wait for their answer
ALL_FAILURES = 8  # failures of all networks together that count as one of each
MAX_NOTED = 10_000
_ALL = "all networks"


class SignIn:
    """Failed attempts by network: an IPv4 address, or the /64 of an IPv6 address, which is one household's.

    A right password is answered at once. A wrong one is answered after a time that doubles with each failure, and its
    place is taken until then; so the places bound the guesses in a time, however many are sent. A visitor who has
    signed in before has places of his own, which guesses of others do not take.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and when the last one was
        self._running: Counter[str] = Counter()
        self._welcome: OrderedDict[str, None] = OrderedDict()

    async def attempt(self, visitor: str, address: str, check: Callable[[], Awaitable[bool]]) -> bool:
        """Wait for `check`, which says whether the password is right, and then, if it is not, for as long as it takes.

        False, with nothing checked, if there are too many attempts. `visitor` is "" without a cookie.
        """
        known = bool(visitor) and visitor in self._welcome
        places = {visitor: AT_ONCE} if known else {network_of(address): AT_ONCE, _ALL: ALL_AT_ONCE}
        if any(self._running[name] >= most for name, most in places.items()):
            return False
        self._running.update(places.keys())
        try:
            if await check():
                for name in places:
                    if name != _ALL:
                        self._failures.pop(name, None)
                if visitor:
                    self._welcome[visitor] = None
                    _shorten(self._welcome)
            else:
                await asyncio.sleep(max(self._delay(name) for name in places))
        finally:
            self._running.subtract(places.keys())
            self._running += Counter()  # drops the zeros
        return True

    def _delay(self, name: str) -> float:
        """Seconds for one more failure of `name`, which is noted."""
        now = time.monotonic()
        count, last = self._failures.pop(name, (0, now))
        count = 1 if now - last > FORGIVEN_SECONDS else count + 1
        self._failures[name] = (count, now)
        _shorten(self._failures)
        doublings = (count // ALL_FAILURES if name == _ALL else count) - 1
        return 0.0 if doublings < 0 else min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(doublings, 10))


def network_of(address: str) -> str:
    """The network that an address counts as; the text itself if it is none."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _shorten(notes: OrderedDict[str, tuple[int, float]] | OrderedDict[str, None]) -> None:
    while len(notes) > MAX_NOTED:
        notes.popitem(last=False)

"""The garbage collector while the server starts; giving back memory: what failed renders keep, and what the allocator
keeps.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager, suppress


def forget_frames(error: BaseException) -> None:
    """Drop the local variables that the traceback of `error`, and of what led to it, keep: pictures among them."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        traceback.clear_frames(found.__traceback__)
        waiting += [found.__cause__, found.__context__]


@contextmanager
def uncollected() -> Generator[None, None, None]:
    """Look for no garbage meanwhile: among what is imported and built there is little, and looking takes a second."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def settle() -> None:
    """Never look through what is loaded now for garbage: that takes half a second, in which no visitor is answered."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Return freed memory to the system. glibc keeps it otherwise."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # musl has no malloc_trim
            ctypes.CDLL(None).malloc_trim(0)

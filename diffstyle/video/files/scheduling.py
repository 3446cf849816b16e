"""Keeps encoders from changing how the system schedules this process."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


@contextmanager
def same_scheduling() -> Generator[None]:
    """Threads have the scheduling policy of the calling thread afterwards, those that are new as well.

    SVT-AV1, run as root, gives real-time priority (SCHED_FIFO) to its threads and to the thread that opens it. Child
    processes inherit it, and everything else on the machine starves. Other systems than Linux are left alone.
    """
    if sys.platform != "linux":
        yield
        return
    before = {thread: _scheduling(thread) for thread in _threads()}
    own = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for thread in _threads():
            wanted = before.get(thread) or own
            with suppress(OSError):  # a thread that has ended
                if os.sched_getscheduler(thread) != wanted[0]:
                    os.sched_setscheduler(thread, *wanted)


def _threads() -> list[int]:
    return [int(entry.name) for entry in _THREADS.iterdir()] if _THREADS.is_dir() else []


def _scheduling(thread: int) -> tuple[int, os.sched_param] | None:
    with suppress(OSError):
        return os.sched_getscheduler(thread), os.sched_getparam(thread)
    return None

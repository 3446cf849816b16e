"""A training in a process of its own, which frees its memory at the end and does not slow previews."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event as SharedEvent
from threading import Event
from typing import Any, TypeAlias, TypeVar

from diffstyle import Cancelled, InputError
from diffstyle_ui.app.user_errors import UNEXPECTED, log_unexpected

J = TypeVar("J")
S = TypeVar("S")
R = TypeVar("R")
Report: TypeAlias = Callable[[S], bool]
"""Sends a step to the page; False if the training is to stop."""

NICENESS, POLL_SECONDS = 5, 0.2


@dataclass(frozen=True, slots=True)
class _Done:
    """The last message of the process."""

    result: Any


def run_process(work: Callable[[J, Report[S]], R], job: J, cancel: Event) -> Iterator[S | R]:
    """The steps that `work(job, report)` reports, as they are done, then what it returns. `work` is a function at the
    top of a module.

    Raises Cancelled when `cancel` is set, and InputError. A generator that is closed early stops the training, too.
    """
    processes = get_context("spawn")
    receiver, sender = processes.Pipe(duplex=False)
    stop = processes.Event()
    process = processes.Process(target=_main, args=(work, job, sender, stop), daemon=True)
    process.start()
    sender.close()
    try:
        while True:
            if cancel.is_set():
                stop.set()
            if not receiver.poll(POLL_SECONDS):
                continue
            message = receiver.recv()
            if isinstance(message, Exception):
                raise message
            if isinstance(message, _Done):
                yield message.result
                return
            yield message
    except EOFError:
        raise RuntimeError("the training process has ended") from None
    finally:
        stop.set()  # the training saves its state
        receiver.close()


def _main(work: Callable[[J, Report[S]], R], job: J, sender: Connection, stop: SharedEvent) -> None:
    """The main function of the process."""
    os.nice(NICENESS)

    def report(step: S) -> bool:
        return _send(sender, step) and not stop.is_set()

    try:
        _send(sender, _Done(work(job, report)))
    except (Cancelled, InputError) as error:
        _send(sender, error)
    except Exception:
        log_unexpected()
        _send(sender, RuntimeError(UNEXPECTED))


def _send(sender: Connection, message: object) -> bool:
    """Send `message`; False if the page has closed the connection."""
    try:
        sender.send(message)
    except OSError:
        return False
    return True

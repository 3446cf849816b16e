"""The gates before decoders and models: what is cancelled while it waits, and what failed jobs keep in memory."""

from __future__ import annotations

import gc
import time
import weakref
from threading import Event, Timer

import pytest
import torch

from diffstyle import Cancelled, InputError
from diffstyle.core.cancelling import cancellable, check_cancelled
from diffstyle.serving.gate import Gate


def test_a_caller_that_is_cancelled_waits_no_longer() -> None:
    gate, cancel, go_on = Gate("test"), Event(), Event()
    gate.submit(go_on.wait)
    Timer(0.1, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled), cancellable(cancel.is_set):
        gate.run(lambda: 1)
    assert time.monotonic() - began < 1
    go_on.set()
    assert gate.run(lambda: 2) == 2
    gate.close()


def test_a_job_is_cancelled_as_its_caller_is() -> None:
    gate, cancel, begun, ended = Gate("test"), Event(), Event(), Event()

    def job() -> None:
        begun.set()
        try:
            while True:
                check_cancelled()
                time.sleep(0.01)
        finally:
            ended.set()

    def cancel_it() -> None:
        begun.wait()
        cancel.set()

    Timer(0, cancel_it).start()
    with pytest.raises(Cancelled), cancellable(cancel.is_set):
        gate.run(job)
    assert ended.wait(2)
    gate.close()


def test_failed_jobs_keep_no_pictures() -> None:
    gate = Gate("test")
    kept: list[weakref.ref[torch.Tensor]] = []

    def paint() -> None:
        pixels = torch.zeros(8)
        kept.append(weakref.ref(pixels))
        try:
            raise KeyError(pixels.shape)
        except KeyError as error:
            raise InputError("too slow") from error

    gc.disable()  # nothing but the traceback may hold them
    try:
        future = gate.submit(paint)
        with pytest.raises(InputError, match="too slow") as caught:
            future.result()
        assert kept[0]() is None
        assert caught.value.__cause__ is not None
    finally:
        gc.enable()
    gate.close()

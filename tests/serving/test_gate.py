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
from diffstyle.serving.api_errors import invalid
from diffstyle.serving.gate import WAITING, Busy, Gate
from diffstyle.serving.limits import ServerLimits
from diffstyle.serving.progress import stream
from diffstyle.serving.renderer import Renderer
from diffstyle.serving.worker import Worker
from diffstyle.stylizer import Stylizer


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


def test_a_server_that_is_busy_asks_to_try_again() -> None:
    gate, go_on = Gate("test", waiting=2), Event()
    running = [gate.submit(go_on.wait) for _ in range(3)]
    with pytest.raises(Busy) as refused:
        gate.submit(go_on.wait)
    error = invalid(refused.value, "picture")
    assert (error.status, error.retry_after, error.param) == (503, 1, None)
    go_on.set()
    assert all(future.result(5) for future in running)
    gate.close()


def test_recipes_are_read_for_all_that_the_queue_admits() -> None:
    renderer, go_on = Renderer(limits=ServerLimits(queue_size=40)), Event()
    reading = [renderer.recipes.submit(go_on.wait) for _ in range(40)]
    go_on.set()
    assert all(future.result(5) for future in reading)
    renderer.close()


def test_renders_that_are_cancelled_while_they_wait_leave_the_gate() -> None:
    worker, go_on, cancel = Worker(Stylizer.load, "test"), Event(), Event()
    late = InputError("too slow")
    busy = worker.submit(lambda _: go_on.wait())
    cancel.set()
    for _ in range(2 * WAITING):
        with pytest.raises(Cancelled):
            list(stream(worker, lambda _, on_step: on_step, cancel, seconds=5, late=late))
    assert worker.submit(lambda _: 1)
    go_on.set()
    assert busy.result(60)
    worker.close()

"""The gates before decoders and models: what is cancelled while it waits, and what failed jobs keep in memory."""

from __future__ import annotations

import gc
import time
import weakref
from pathlib import Path
from threading import Event, Timer

import pytest
import torch
from diffstyle_ui.app.arrival import NEVER
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.renderer import Gate
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.uploads import Refused, Uploads

from diffstyle import Cancelled, InputError
from diffstyle.core.cancelling import cancellable, check_cancelled


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


def test_a_cancel_counts_for_the_requests_before_it(tmp_path: Path) -> None:
    session = Session(tmp_path, "somebody", Uploads(tmp_path))
    session.cancel_renders(10.0)
    with session.training(9.0) as stop:
        assert not stop.is_set()
    session.stop_trainings(10.0)
    for arrived, cancelled in ((9.0, True), (10.0, True), (11.0, False), (NEVER, False)):
        with session.rendering(arrived) as cancel:
            assert cancel.is_set() is cancelled
        with session.training(arrived) as stop:
            assert stop.is_set() is cancelled


def test_uploads_are_counted_until_they_are_deleted(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, Limits(max_visitor_mb=2, max_total_mb=5))
    megabyte = 2**20
    for n in range(2):
        file = tmp_path / f"{n}.png"
        file.write_bytes(b"x" * megabyte)
        uploads.add("visitor a", file, address="1.1.1.1")
    with pytest.raises(Refused, match="2 MB"):
        uploads.take("visitor a", "1.1.1.1", 1)
    uploads.take("visitor b", "2.2.2.2", megabyte)
    with pytest.raises(Refused, match="no room"):
        uploads.take("visitor c", "2.2.2.2", 2 * megabyte)
    uploads.give_back("visitor b", "2.2.2.2", megabyte)
    uploads.take("visitor c", "2.2.2.2", 2 * megabyte)
    uploads.give_back("visitor c", "2.2.2.2", 2 * megabyte)
    (tmp_path / "0.png").unlink()  # as Gradio does after hours
    uploads.take("visitor a", "1.1.1.1", megabyte)

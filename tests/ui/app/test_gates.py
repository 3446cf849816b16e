"""Requests that are cancelled before they begin, and uploads that are counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from diffstyle_ui.app.arrival import NEVER
from diffstyle_ui.app.limits import Limits
from diffstyle_ui.app.sessions import Session
from diffstyle_ui.app.uploads import Uploads

from diffstyle.serving.uploaded_files import Refused


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

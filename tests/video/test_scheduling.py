"""Encoders leave the priority of the process as it was."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest

from diffstyle import Picture
from diffstyle.video.files.encoding import encodable, encoding_for
from diffstyle.video.files.segment import EncodedSegment
from tests.conftest import waves

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the policy of each thread is read from /proc")


def policies() -> set[int]:
    """The scheduling policies of all threads of this process."""
    found = set[int]()
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # one that has ended
            found.add(os.sched_getscheduler(int(thread.name)))
    return found


@pytest.mark.parametrize("codec", encodable())
def test_threads_keep_their_scheduling_policy(tmp_path: Path, codec: str) -> None:
    """SVT-AV1, run as root, makes its threads and the one that opens it real-time ones."""
    before = policies()
    encoding = encoding_for("matroska", codec, quality=None, alpha=False, depth=8)
    segment = EncodedSegment(tmp_path / "a.mkv", encoding, Fraction(25))
    for _ in range(3):
        segment.write(Picture.from_array(waves(128, 96)))
    during = policies()
    segment.close()
    assert during | policies() == before

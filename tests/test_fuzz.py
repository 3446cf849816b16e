"""A minute of mutated files and hostile requests; `python -m tests.fuzz` runs for longer."""

from __future__ import annotations

import pytest

from tests.fuzz import fuzz_files, fuzz_server

pytestmark = [pytest.mark.long, pytest.mark.filterwarnings("ignore")]


def test_mutated_files_are_read_or_refused() -> None:
    report = fuzz_files(45, seed=1)
    assert not report.faults, report.faults[:10]
    assert sum(report.counts.values()) > 500


def test_a_server_survives_hostile_requests() -> None:
    report = fuzz_server(200, seed=1)
    assert not report.faults, report.faults[:10]

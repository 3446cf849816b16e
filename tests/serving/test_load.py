"""The server under mixed load, as `benchmarks.serving` makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.serving import mixed
from tests.serving.conftest import api_server


@pytest.mark.long
def test_mixed_load_loses_no_request_and_leaks_nothing(tmp_path: Path) -> None:
    """One request in twenty is broken, and one is cancelled."""
    with api_server(tmp_path) as api, api.http() as http:
        http.timeout = 300
        load = mixed(http, tmp_path, 100)
    assert load.became == load.expected
    assert load.left == 0
    settled, *later = load.megabytes[1:]
    assert max(later) < 1.15 * settled

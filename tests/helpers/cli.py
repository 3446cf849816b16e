"""The command line, run in the process of the test."""

from __future__ import annotations

import pytest

from diffstyle.cli import main


def run(*arguments: object) -> int:
    """The exit code of `diffstyle ARGUMENTS`."""
    with pytest.raises(SystemExit) as caught:
        main([str(a) for a in arguments])
    return int(caught.value.code or 0)

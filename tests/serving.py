"""The page as people start it: `diffstyle ui` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Served:
    """A page at `address`, ending in /; `folder` is the test's, `temporary` where the server keeps its files."""

    address: str
    folder: Path
    temporary: Path
    process: subprocess.Popen[str]


@contextmanager
def serving(folder: Path, *options: object) -> Generator[Served, None, None]:
    """`diffstyle ui` with `options`, told to end as by a service manager."""
    temporary = folder / "temporary"
    temporary.mkdir()
    log = (folder / "log.txt").open("w+")
    environment = os.environ | {
        "TMPDIR": str(temporary),
        "DIFFSTYLE_CACHE": str(folder),
        "DIFFSTYLE_ADAPTERS": str(folder / "adapters"),
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, "-m", "diffstyle", "ui", *map(str, options)]
    with log, subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        assert process.stdout is not None
        try:
            found = next((m for line in process.stdout if (m := re.search(r"http://[\w.:]+", line))), None)
            assert found is not None, Path(log.name).read_text()
            yield Served(f"{found[0]}/", folder, temporary, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)

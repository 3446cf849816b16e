"""The web page in a process of its own, as `diffstyle ui` starts it."""

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
class ServedPage:
    """A page at `address`, which ends in /. Votes, adapters and logs lie in `folder`, the server's own files in
    `temporary`.
    """

    address: str
    folder: Path
    temporary: Path
    process: subprocess.Popen[str]


@contextmanager
def serving(folder: Path, *options: object) -> Generator[ServedPage, None, None]:
    """Run `diffstyle ui` with `options`; at the end stop it with SIGTERM, as a service manager does."""
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
            yield ServedPage(f"{found[0]}/", folder, temporary, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)

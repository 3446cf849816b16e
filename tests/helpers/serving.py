"""Servers in processes of their own: the web page as `diffstyle ui` starts it, the HTTP server as `diffstyle serve`."""

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

LOG = "log.txt"


@dataclass(frozen=True, slots=True)
class ServedPage:
    """A server at `address`, which ends in /. Votes, adapters, students and logs lie in `folder`, the server's own
    files in `temporary`.
    """

    address: str
    folder: Path
    temporary: Path
    process: subprocess.Popen[str]


@contextmanager
def serving(folder: Path, *options: object, command: str = "ui") -> Generator[ServedPage, None, None]:
    """Run `diffstyle ui`, or another `command`, with `options`; at the end stop it with SIGTERM, as a service manager
    does. A server that was stopped already is fine.
    """
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    log = (folder / LOG).open("w+")
    environment = os.environ | {
        "TMPDIR": str(temporary),
        "DIFFSTYLE_CACHE": str(folder),
        "DIFFSTYLE_ADAPTERS": str(folder / "adapters"),
        "DIFFSTYLE_STUDENTS": str(folder / "students"),
        "PYTHONUNBUFFERED": "1",
    }
    words = [sys.executable, "-m", "diffstyle", command, *map(str, options)]
    with log, subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        assert process.stdout is not None
        try:
            found = next((m for line in process.stdout if (m := re.search(r"http://[\w.:]+", line))), None)
            assert found is not None, Path(log.name).read_text()
            yield ServedPage(f"{found[0]}/", folder, temporary, process)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)

"""The temporary folder of a server, and those that killed servers have left."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".running"


@contextmanager
def own_folder(prefix: str) -> Generator[Path, None, None]:
    """A temporary folder for this process, locked while it runs and deleted at the end; `prefix` begins its name."""
    sweep(prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    lock = FileLock(folder / LOCK)
    lock.acquire()
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def sweep(prefix: str) -> None:
    """Delete the folders of this user's servers that do not run any more: a lock ends with its process. Their names
    begin with `prefix`.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError, Timeout):
            own = not hasattr(os, "geteuid") or folder.lstat().st_uid == os.geteuid()
            if folder.is_symlink() or not folder.is_dir() or not own or not (folder / LOCK).is_file():
                continue
            with FileLock(folder / LOCK, timeout=0):
                pass
            shutil.rmtree(folder, ignore_errors=True)

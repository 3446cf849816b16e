"""Jobs on disk: a folder for each, with what was asked for and what came of it; every file is whole or not there."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from stat import S_ISREG
from typing import Any, Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import TypeAdapter

from diffstyle.core.errors import InputError, explain
from diffstyle.formats.atomic import write_atomic
from diffstyle.serving.form_body import Form
from diffstyle.serving.json_logs import log

T = TypeVar("T")
RECORD, OUTCOME, ATTEMPTS, INPUTS, LOCK = "job.json", "outcome.json", "attempts", "inputs", ".running"
_NEW, _OLD = ".new-", ".old-"
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job as it was asked for: whose it is, when (in seconds since 1970), the texts of its form, and the files by
    their paths in the job's folder.
    """

    id: str
    owner: str
    created: float
    texts: Mapping[str, tuple[str, ...]]
    files: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """What came of a job: the names of its `pictures`, or the `error` that the API shows."""

    status: Literal["done", "failed"]
    started: float
    finished: float
    engine: str = ""
    media_type: str = ""
    pictures: tuple[str, ...] = ()
    error: Mapping[str, Any] | None = None


class JobStore:
    """The jobs in one folder, which `open_store` locks for one server. Raises OSError where it cannot be written."""

    def __init__(self, root: Path, *, max_bytes: int) -> None:
        self.root, self.max_bytes = root, max_bytes

    @property
    def full(self) -> bool:
        """Whether the jobs take `max_bytes` of the disk, or more."""
        return sum(_size(path) for path in self.root.rglob("*")) >= self.max_bytes

    def new_folder(self) -> Path:
        """A folder for a job that is not complete yet, with a folder for its files inside."""
        folder = Path(tempfile.mkdtemp(prefix=_NEW, dir=self.root))
        (folder / INPUTS).mkdir()
        return folder

    def keep(self, folder: Path, owner: str, form: Form) -> JobRecord:
        """The record of a job whose form was read into `folder`; from now on it survives the server."""
        files = {name: tuple(str(p.relative_to(folder)) for p in paths) for name, paths in form.files.items()}
        record = JobRecord(id=secrets.token_hex(16), owner=owner, created=time.time(), texts=form.texts, files=files)
        _write(folder / RECORD, _json(record))
        folder.rename(self.root / record.id)
        return record

    def form(self, record: JobRecord) -> Form:
        """What the job asks for."""
        folder = self.root / record.id
        return Form(record.texts, {name: tuple(folder / p for p in paths) for name, paths in record.files.items()})

    def record(self, identity: str) -> JobRecord | None:
        """The job called `identity`, None if there is none."""
        return _read(self.root / identity / RECORD, JobRecord) if _ID.fullmatch(identity) else None

    def outcome(self, identity: str) -> JobOutcome | None:
        """What came of a job, None if it is not finished."""
        return _read(self.root / identity / OUTCOME, JobOutcome)

    def add_picture(self, identity: str, number: int, data: bytes, suffix: str) -> str:
        """Write a picture of a job; its name."""
        name = f"result-{number}.{suffix}"
        _write(self.root / identity / name, data)
        return name

    def begin(self, identity: str) -> int:
        """Note that a job begins; how often it has begun, this time included, also with other servers."""
        path = self.root / identity / ATTEMPTS
        count = path.stat().st_size + 1 if path.exists() else 1
        _write(path, b"." * count)
        return count

    def finish(self, identity: str, outcome: JobOutcome) -> None:
        """Note what came of a job; it is finished from now on, and what was sent for it is deleted."""
        _write(self.root / identity / OUTCOME, _json(outcome))
        shutil.rmtree(self.root / identity / INPUTS, ignore_errors=True)

    def delete(self, identity: str) -> None:
        """Delete a job and its pictures, at once for all that look at it."""
        old = self.root / f"{_OLD}{identity}"
        try:
            (self.root / identity).rename(old)
        except FileNotFoundError:
            return
        shutil.rmtree(old, ignore_errors=True)

    def of(self, owner: str) -> list[JobRecord]:
        """The jobs of `owner`, the newest first."""
        found = [self.record(path.name) for path in self.root.iterdir()]
        mine = [record for record in found if record is not None and record.owner == owner]
        return sorted(mine, key=lambda record: record.created, reverse=True)

    def unfinished(self) -> list[JobRecord]:
        """The jobs that a server has left behind, the oldest first."""
        found = [self.record(path.name) for path in self.root.iterdir() if not (path / OUTCOME).exists()]
        return sorted((record for record in found if record is not None), key=lambda record: record.created)

    def sweep(self, seconds: float) -> None:
        """Delete the jobs that were finished more than so many `seconds` ago."""
        for path in [p for p in self.root.iterdir() if _ID.fullmatch(p.name)]:
            outcome = self.outcome(path.name)
            if outcome is not None and time.time() - outcome.finished > seconds:
                self.delete(path.name)


@contextmanager
def open_store(root: Path, *, max_bytes: int) -> Generator[JobStore, None, None]:
    """The jobs in `root`, without what a killed server has left half written. The folder is made if it is not there.

    Raises InputError if it cannot be written, or if another server uses it.
    """
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(root / LOCK, timeout=0):
            for pattern in (f"{_NEW}*", f"{_OLD}*"):
                for path in root.glob(pattern):
                    shutil.rmtree(path, ignore_errors=True)
            yield JobStore(root, max_bytes=max_bytes)
    except Timeout:
        raise InputError(f"Another server keeps its jobs in {root}: choose another folder.") from None
    except OSError as error:
        raise explain(error, f"keep jobs in {root}") from error


def _size(path: Path) -> int:
    """Bytes of a file; 0 for a folder, and for what is deleted meanwhile."""
    try:
        found = path.lstat()
    except OSError:
        return 0
    return found.st_size if S_ISREG(found.st_mode) else 0


def _json(value: JobRecord | JobOutcome) -> bytes:
    return json.dumps(asdict(value)).encode()


def _write(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all. Raises OSError: the path in an InputError is nothing for clients."""
    try:
        write_atomic(path, lambda file: file.write(data))
    except InputError as error:
        raise OSError(str(error)) from error


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


def _read(path: Path, kind: type[T]) -> T | None:
    """The value in a file; None if it is not there, or damaged, which the log says."""
    try:
        return _adapter(kind).validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log("damaged job", {"job": path.parent.name, "file": path.name}, error=error)
        return None
